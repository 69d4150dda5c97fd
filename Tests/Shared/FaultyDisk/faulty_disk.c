#include "faulty_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// A change that no fsync has followed yet; without bytes it sets the file's length.
typedef struct change {
  struct change *next;
  sqlite3_int64 offset;
  int count;
  unsigned char *bytes;
} change;

/// What the disk holds of a file.
typedef struct image {
  struct image *next;
  char *path;
  unsigned char *bytes;
  sqlite3_int64 count;
  change *first;
  change *last;
} image;

struct faulty_disk {
  sqlite3_vfs vfs;
  sqlite3_vfs *system;
  char name[32];
  pthread_mutex_t mutex;
  int is_full;
  int is_read_only;
  int syncs_left;  // before they fail; negative without a limit
  faulty_operation operation;  // the one that is to fail
  int until_failure;           // how many of it, the failing one included; 0 once it has failed
  image *images;
};

typedef struct {
  sqlite3_file base;
  faulty_disk *disk;
  image *image;  // NULL for temporary files
  sqlite3_file *real;
} file;

static void lock(faulty_disk *disk) { pthread_mutex_lock(&disk->mutex); }
static void unlock(faulty_disk *disk) { pthread_mutex_unlock(&disk->mutex); }

/// Counts an operation; whether it is the one that fails. The lock is held.
static int strikes(faulty_disk *disk, faulty_operation operation) {
  if (disk->operation != operation || disk->until_failure == 0) return 0;
  disk->until_failure -= 1;
  return disk->until_failure == 0;
}

/// The same for operations that take no lock of their own.
static int strikes_now(faulty_disk *disk, faulty_operation operation) {
  lock(disk);
  int result = strikes(disk, operation);
  unlock(disk);
  return result;
}

static int resize(unsigned char **bytes, sqlite3_int64 *count, sqlite3_int64 wanted) {
  if (wanted > *count) {
    unsigned char *larger = realloc(*bytes, (size_t)wanted);
    if (!larger) return SQLITE_NOMEM;
    memset(larger + *count, 0, (size_t)(wanted - *count));
    *bytes = larger;
  }
  *count = wanted;
  return SQLITE_OK;
}

static int apply(unsigned char **bytes, sqlite3_int64 *count, const change *entry, int length) {
  if (!entry->bytes) return resize(bytes, count, entry->offset);
  if (entry->offset + length > *count) {
    int code = resize(bytes, count, entry->offset + length);
    if (code != SQLITE_OK) return code;
  }
  memcpy(*bytes + entry->offset, entry->bytes, (size_t)length);
  return SQLITE_OK;
}

static int remember(file *opened, const void *bytes, int count, sqlite3_int64 offset) {
  if (!opened->image) return SQLITE_OK;
  change *entry = calloc(1, sizeof *entry);
  if (!entry) return SQLITE_NOMEM;
  entry->offset = offset;
  entry->count = count;
  if (bytes) {
    entry->bytes = malloc((size_t)count);
    if (!entry->bytes) {
      free(entry);
      return SQLITE_NOMEM;
    }
    memcpy(entry->bytes, bytes, (size_t)count);
  }
  image *image = opened->image;
  if (image->last) image->last->next = entry; else image->first = entry;
  image->last = entry;
  return SQLITE_OK;
}

static void forget_changes(image *image) {
  for (change *entry = image->first; entry;) {
    change *next = entry->next;
    free(entry->bytes);
    free(entry);
    entry = next;
  }
  image->first = image->last = NULL;
}

static image *find_image(faulty_disk *disk, const char *path) {
  for (image *image = disk->images; image; image = image->next) {
    if (strcmp(image->path, path) == 0) return image;
  }
  image *image = calloc(1, sizeof *image);
  if (!image) return NULL;
  image->path = strdup(path);
  image->next = disk->images;
  disk->images = image;
  return image;
}

// Methods of a file.

static sqlite3_file *real(sqlite3_file *opened) { return ((file *)opened)->real; }

static int file_close(sqlite3_file *opened) {
  return real(opened)->pMethods->xClose(real(opened));
}

static int file_read(sqlite3_file *opened, void *bytes, int count, sqlite3_int64 offset) {
  if (strikes_now(((file *)opened)->disk, FAULTY_READ)) return SQLITE_IOERR_READ;
  return real(opened)->pMethods->xRead(real(opened), bytes, count, offset);
}

static int file_write(sqlite3_file *opened, const void *bytes, int count, sqlite3_int64 offset) {
  file *self = (file *)opened;
  lock(self->disk);
  int failure = SQLITE_OK;
  if (strikes(self->disk, FAULTY_WRITE)) failure = SQLITE_IOERR_WRITE;
  if (self->disk->is_full || strikes(self->disk, FAULTY_SPACE)) failure = SQLITE_FULL;
  // What fails is written in part, as a disk may do.
  if (failure != SQLITE_OK) count /= 2;
  int code = real(opened)->pMethods->xWrite(real(opened), bytes, count, offset);
  // Of a long write the disk may keep some pages and not those before them.
  for (int done = 0; code == SQLITE_OK && done < count; done += 4096) {
    int length = count - done < 4096 ? count - done : 4096;
    code = remember(self, (const char *)bytes + done, length, offset + done);
  }
  unlock(self->disk);
  return code == SQLITE_OK ? failure : code;
}

static int file_truncate(sqlite3_file *opened, sqlite3_int64 size) {
  file *self = (file *)opened;
  lock(self->disk);
  int code = strikes(self->disk, FAULTY_TRUNCATE)
      ? SQLITE_IOERR_TRUNCATE
      : real(opened)->pMethods->xTruncate(real(opened), size);
  if (code == SQLITE_OK) code = remember(self, NULL, 0, size);
  unlock(self->disk);
  return code;
}

static int file_sync(sqlite3_file *opened, int flags) {
  (void)flags;
  file *self = (file *)opened;
  lock(self->disk);
  int fails = strikes(self->disk, FAULTY_SYNC) || self->disk->syncs_left == 0;
  if (self->disk->syncs_left > 0) self->disk->syncs_left -= 1;
  int code = fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  if (code == SQLITE_OK && self->image) {
    for (change *entry = self->image->first; entry && code == SQLITE_OK; entry = entry->next) {
      code = apply(&self->image->bytes, &self->image->count, entry, entry->count);
    }
    forget_changes(self->image);
  }
  unlock(self->disk);
  return code;
}

static int file_size(sqlite3_file *opened, sqlite3_int64 *size) {
  return real(opened)->pMethods->xFileSize(real(opened), size);
}

static int file_lock(sqlite3_file *opened, int level) {
  return real(opened)->pMethods->xLock(real(opened), level);
}

static int file_unlock(sqlite3_file *opened, int level) {
  return real(opened)->pMethods->xUnlock(real(opened), level);
}

static int file_check_lock(sqlite3_file *opened, int *result) {
  return real(opened)->pMethods->xCheckReservedLock(real(opened), result);
}

static int file_control(sqlite3_file *opened, int operation, void *argument) {
  return real(opened)->pMethods->xFileControl(real(opened), operation, argument);
}

static int file_sector(sqlite3_file *opened) {
  (void)opened;
  return 512;
}

static int file_device(sqlite3_file *opened) {
  (void)opened;
  // As the system's own: a write spoils nothing beside it. It promises nothing else.
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shm_map(
    sqlite3_file *opened, int page, int size, int extend, void volatile **memory) {
  return real(opened)->pMethods->xShmMap(real(opened), page, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *opened, int offset, int count, int flags) {
  return real(opened)->pMethods->xShmLock(real(opened), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *opened) {
  real(opened)->pMethods->xShmBarrier(real(opened));
}

static int file_shm_unmap(sqlite3_file *opened, int deletes) {
  return real(opened)->pMethods->xShmUnmap(real(opened), deletes);
}

static const sqlite3_io_methods methods = {
  .iVersion = 2,
  .xClose = file_close,
  .xRead = file_read,
  .xWrite = file_write,
  .xTruncate = file_truncate,
  .xSync = file_sync,
  .xFileSize = file_size,
  .xLock = file_lock,
  .xUnlock = file_unlock,
  .xCheckReservedLock = file_check_lock,
  .xFileControl = file_control,
  .xSectorSize = file_sector,
  .xDeviceCharacteristics = file_device,
  .xShmMap = file_shm_map,
  .xShmLock = file_shm_lock,
  .xShmBarrier = file_shm_barrier,
  .xShmUnmap = file_shm_unmap,
};

// Methods of the disk.

static int disk_open(
    sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *opened, int flags, int *out_flags) {
  faulty_disk *disk = (faulty_disk *)vfs;
  file *self = (file *)opened;
  self->base.pMethods = NULL;
  self->disk = disk;
  self->real = (sqlite3_file *)(self + 1);
  self->image = NULL;
  if (strikes_now(disk, FAULTY_OPEN)) return SQLITE_CANTOPEN;
  if (disk->is_read_only) {
    flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
  }
  int code = disk->system->xOpen(disk->system, path, self->real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  if (path) {
    lock(disk);
    self->image = find_image(disk, path);
    unlock(disk);
  }
  self->base.pMethods = &methods;
  return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync_directory) {
  faulty_disk *disk = (faulty_disk *)vfs;
  lock(disk);
  image *image = find_image(disk, path);
  if (image) {
    forget_changes(image);
    image->count = 0;
  }
  unlock(disk);
  return disk->system->xDelete(disk->system, path, sync_directory);
}

faulty_disk *faulty_disk_new(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static int disks = 0;
  sqlite3_vfs *system = sqlite3_vfs_find(NULL);
  faulty_disk *disk = calloc(1, sizeof *disk);
  if (!disk || !system) return NULL;
  pthread_mutex_init(&disk->mutex, NULL);
  disk->system = system;
  disk->syncs_left = -1;
  pthread_mutex_lock(&mutex);
  snprintf(disk->name, sizeof disk->name, "faulty-%d", ++disks);
  pthread_mutex_unlock(&mutex);
  disk->vfs = *system;
  disk->vfs.pNext = NULL;
  disk->vfs.szOsFile = (int)sizeof(file) + system->szOsFile;
  disk->vfs.zName = disk->name;
  disk->vfs.xOpen = disk_open;
  disk->vfs.xDelete = disk_delete;
  return sqlite3_vfs_register(&disk->vfs, 0) == SQLITE_OK ? disk : NULL;
}

const char *faulty_disk_name(faulty_disk *disk) { return disk->name; }

void faulty_disk_set_full(faulty_disk *disk, int is_full) {
  lock(disk);
  disk->is_full = is_full;
  unlock(disk);
}

void faulty_disk_fail_syncs_after(faulty_disk *disk, int count) {
  lock(disk);
  disk->syncs_left = count;
  unlock(disk);
}

void faulty_disk_set_read_only(faulty_disk *disk, int is_read_only) {
  lock(disk);
  disk->is_read_only = is_read_only;
  unlock(disk);
}

void faulty_disk_fail_nth(faulty_disk *disk, faulty_operation operation, int number) {
  lock(disk);
  disk->operation = operation;
  disk->until_failure = number;
  unlock(disk);
}

int faulty_disk_until_failure(faulty_disk *disk) {
  lock(disk);
  int count = disk->until_failure;
  unlock(disk);
  return count;
}

static int write_image(const image *image, const char *folder, unsigned *seed) {
  sqlite3_int64 count = image->count;
  unsigned char *bytes = malloc((size_t)count + 1);
  if (!bytes) return 1;
  memcpy(bytes, image->bytes ? image->bytes : (const unsigned char *)"", (size_t)count);
  for (const change *entry = image->first; entry; entry = entry->next) {
    int fate = rand_r(seed) % 3;
    if (fate == 0) continue;
    int length = fate == 1 ? entry->count : entry->count / 2;
    if (apply(&bytes, &count, entry, length) != SQLITE_OK) return 1;
  }
  char path[1024];
  const char *name = strrchr(image->path, '/');
  snprintf(path, sizeof path, "%s/%s", folder, name ? name + 1 : image->path);
  FILE *output = fopen(path, "wb");
  int failed = !output || fwrite(bytes, 1, (size_t)count, output) != (size_t)count;
  if (output) failed |= fclose(output) != 0;
  free(bytes);
  return failed;
}

int faulty_disk_cut_power(faulty_disk *disk, const char *folder, unsigned seed) {
  int failed = 0;
  lock(disk);
  for (image *image = disk->images; image && !failed; image = image->next) {
    if (image->count > 0 || image->first) failed = write_image(image, folder, &seed);
  }
  unlock(disk);
  return failed;
}
