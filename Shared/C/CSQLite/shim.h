#pragma once
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// What Swift cannot import from sqlite3.h: variadic functions, the SQLITE_STATIC cast, callbacks.

// Memory. Debian's library is built without the connections' own small blocks (lookaside), and a small
// transaction takes more than a hundred blocks: half of them, for triggers, are larger than those that
// malloc keeps for a thread. Here a thread keeps what it frees, in a list for each size.

enum {
  /// Blocks are multiples of so many bytes, their size in front included.
  KONTOR_SQLITE3_BLOCK_STEP = 64,
  /// Larger ones are malloc's. A page of the cache with what belongs to it is smaller.
  KONTOR_SQLITE3_LARGEST_BLOCK = 8192,
  KONTOR_SQLITE3_BLOCK_LISTS = KONTOR_SQLITE3_LARGEST_BLOCK / KONTOR_SQLITE3_BLOCK_STEP + 1,
  /// How much memory a thread keeps at most, in bytes.
  KONTOR_SQLITE3_KEPT_BYTES = 1024 * 1024,
};

/// The size of a block, as SQLite may use it, is in front of it; behind it, while it is kept, is the
/// next one of its list.
typedef struct kontor_sqlite3_block {
  uint64_t size;
  struct kontor_sqlite3_block *next;
} kontor_sqlite3_block;

typedef struct kontor_sqlite3_blocks {
  kontor_sqlite3_block *lists[KONTOR_SQLITE3_BLOCK_LISTS];
  size_t kept;
} kontor_sqlite3_blocks;

// In functions, because Swift's importer leaves a header's variables out.

static inline kontor_sqlite3_blocks **kontor_sqlite3_own_blocks(void) {
  static __thread kontor_sqlite3_blocks *blocks;
  return &blocks;
}

static inline pthread_key_t *kontor_sqlite3_blocks_key(void) {
  static pthread_key_t key;
  return &key;
}

/// Gives back what an ending thread has kept.
static inline void kontor_sqlite3_release_blocks(void *pointer) {
  kontor_sqlite3_blocks *blocks = (kontor_sqlite3_blocks *)pointer;
  *kontor_sqlite3_own_blocks() = NULL;
  for (int list = 0; list < KONTOR_SQLITE3_BLOCK_LISTS; list++) {
    kontor_sqlite3_block *block = blocks->lists[list];
    while (block) {
      kontor_sqlite3_block *next = block->next;
      free(block);
      block = next;
    }
  }
  free(blocks);
}

static inline void *kontor_sqlite3_allocate(int size) {
  size_t list = ((size_t)size + sizeof(uint64_t) + KONTOR_SQLITE3_BLOCK_STEP - 1)
      / KONTOR_SQLITE3_BLOCK_STEP;
  kontor_sqlite3_blocks *blocks = *kontor_sqlite3_own_blocks();
  size_t whole = list * KONTOR_SQLITE3_BLOCK_STEP;
  kontor_sqlite3_block *block;
  if (list < KONTOR_SQLITE3_BLOCK_LISTS && blocks && blocks->lists[list]) {
    block = blocks->lists[list];
    blocks->lists[list] = block->next;
    blocks->kept -= whole;
  } else {
    block = (kontor_sqlite3_block *)malloc(whole);
    if (!block) return NULL;
    block->size = whole - sizeof(uint64_t);
  }
  return &block->next;
}

static inline kontor_sqlite3_block *kontor_sqlite3_block_of(void *memory) {
  return (kontor_sqlite3_block *)((char *)memory - sizeof(uint64_t));
}

static inline int kontor_sqlite3_size(void *memory) {
  return memory ? (int)kontor_sqlite3_block_of(memory)->size : 0;
}

static inline void kontor_sqlite3_free(void *memory) {
  if (!memory) return;
  kontor_sqlite3_block *block = kontor_sqlite3_block_of(memory);
  size_t whole = block->size + sizeof(uint64_t);
  size_t list = whole / KONTOR_SQLITE3_BLOCK_STEP;
  kontor_sqlite3_blocks *blocks = *kontor_sqlite3_own_blocks();
  if (list >= KONTOR_SQLITE3_BLOCK_LISTS) return free(block);
  if (!blocks) {
    blocks = (kontor_sqlite3_blocks *)calloc(1, sizeof *blocks);
    if (!blocks) return free(block);
    if (pthread_setspecific(*kontor_sqlite3_blocks_key(), blocks) != 0) {
      free(blocks);
      return free(block);
    }
    *kontor_sqlite3_own_blocks() = blocks;
  }
  if (blocks->kept + whole > KONTOR_SQLITE3_KEPT_BYTES) return free(block);
  block->next = blocks->lists[list];
  blocks->lists[list] = block;
  blocks->kept += whole;
}

static inline void *kontor_sqlite3_reallocate(void *memory, int size) {
  int old = kontor_sqlite3_size(memory);
  if (size <= old && size > old / 2) return memory;
  void *moved = kontor_sqlite3_allocate(size);
  if (!moved) return NULL;
  memcpy(moved, memory, (size_t)(size < old ? size : old));
  kontor_sqlite3_free(memory);
  return moved;
}

static inline int kontor_sqlite3_round_up(int size) {
  return (size + (int)sizeof(uint64_t) + KONTOR_SQLITE3_BLOCK_STEP - 1)
      / KONTOR_SQLITE3_BLOCK_STEP * KONTOR_SQLITE3_BLOCK_STEP
      - (int)sizeof(uint64_t);
}

static inline int kontor_sqlite3_begin_memory(void *unused) {
  (void)unused;
  return SQLITE_OK;
}

static inline void kontor_sqlite3_end_memory(void *unused) { (void)unused; }

/// Makes the settings of the library that hold for the whole process, before its first use: no
/// counting of allocated memory, which takes a mutex for each block, and the memory above, unless
/// somebody else has given the library one already.
static inline int kontor_sqlite3_prepare(void) {
  int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3_mem_methods given, none, usual;
  memset(&none, 0, sizeof none);
  if (code != SQLITE_OK || sqlite3_config(SQLITE_CONFIG_GETMALLOC, &given) != SQLITE_OK
      || sqlite3_config(SQLITE_CONFIG_MALLOC, &none) != SQLITE_OK
      || sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual) != SQLITE_OK) {
    return code;
  }
  if (given.xMalloc != usual.xMalloc) return sqlite3_config(SQLITE_CONFIG_MALLOC, &given);
  if (pthread_key_create(kontor_sqlite3_blocks_key(), kontor_sqlite3_release_blocks) != 0) {
    return SQLITE_OK;
  }
  sqlite3_mem_methods kept = {
      kontor_sqlite3_allocate,
      kontor_sqlite3_free,
      kontor_sqlite3_reallocate,
      kontor_sqlite3_size,
      kontor_sqlite3_round_up,
      kontor_sqlite3_begin_memory,
      kontor_sqlite3_end_memory,
      NULL,
  };
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &kept);
}

// The write-ahead log's file. SQLite writes each page of a commit by two calls of the system; here what
// follows on what was written before waits in memory, until the log is synchronized, read, cut, measured
// or closed. Nobody but the writing connection looks at what a commit has not synchronized.

enum {
  /// How much of the log waits in memory at most, in bytes: SQLite writes less than 128 KiB at once.
  KONTOR_SQLITE3_LOG_BYTES = 120 * 1024,
};

typedef struct kontor_sqlite3_log {
  sqlite3_file base;
  sqlite3_file *real;
  /// What waits, and its place in the file.
  char *bytes;
  int count;
  sqlite3_int64 offset;
} kontor_sqlite3_log;

/// Writes what waits. After an error it is gone, as after any write that failed.
static inline int kontor_sqlite3_log_flush(kontor_sqlite3_log *log) {
  int count = log->count;
  log->count = 0;
  return count == 0 ? SQLITE_OK
                    : log->real->pMethods->xWrite(log->real, log->bytes, count, log->offset);
}

static inline int kontor_sqlite3_log_close(sqlite3_file *file) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  int code = kontor_sqlite3_log_flush(log);
  free(log->bytes);
  int closed = log->real->pMethods->xClose(log->real);
  return code == SQLITE_OK ? closed : code;
}

static inline int kontor_sqlite3_log_read(
    sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  int code = kontor_sqlite3_log_flush(log);
  return code == SQLITE_OK ? log->real->pMethods->xRead(log->real, bytes, count, offset) : code;
}

/// Whether there is room for so many bytes behind what waits. There is none on a disk where a write may
/// spoil what is beside it: SQLite writes there, too, after it has synchronized.
static inline int kontor_sqlite3_log_has_room(kontor_sqlite3_log *log, int count) {
  if (!(log->real->pMethods->xDeviceCharacteristics(log->real)
        & SQLITE_IOCAP_POWERSAFE_OVERWRITE)) {
    return 0;
  }
  if (!log->bytes) log->bytes = (char *)malloc(KONTOR_SQLITE3_LOG_BYTES);
  return log->bytes && log->count + count <= KONTOR_SQLITE3_LOG_BYTES;
}

static inline int kontor_sqlite3_log_write(
    sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  int follows = log->count > 0 && offset == log->offset + log->count;
  if (!follows || !kontor_sqlite3_log_has_room(log, count)) {
    int code = kontor_sqlite3_log_flush(log);
    if (code != SQLITE_OK) return code;
    if (!kontor_sqlite3_log_has_room(log, count)) {
      return log->real->pMethods->xWrite(log->real, bytes, count, offset);
    }
    log->offset = offset;
  }
  memcpy(log->bytes + log->count, bytes, (size_t)count);
  log->count += count;
  return SQLITE_OK;
}

static inline int kontor_sqlite3_log_truncate(sqlite3_file *file, sqlite3_int64 size) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  int code = kontor_sqlite3_log_flush(log);
  return code == SQLITE_OK ? log->real->pMethods->xTruncate(log->real, size) : code;
}

static inline int kontor_sqlite3_log_sync(sqlite3_file *file, int flags) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  int code = kontor_sqlite3_log_flush(log);
  return code == SQLITE_OK ? log->real->pMethods->xSync(log->real, flags) : code;
}

static inline int kontor_sqlite3_log_size(sqlite3_file *file, sqlite3_int64 *size) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  int code = kontor_sqlite3_log_flush(log);
  return code == SQLITE_OK ? log->real->pMethods->xFileSize(log->real, size) : code;
}

static inline int kontor_sqlite3_log_lock(sqlite3_file *file, int level) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  return log->real->pMethods->xLock(log->real, level);
}

static inline int kontor_sqlite3_log_unlock(sqlite3_file *file, int level) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  return log->real->pMethods->xUnlock(log->real, level);
}

static inline int kontor_sqlite3_log_check_lock(sqlite3_file *file, int *result) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  return log->real->pMethods->xCheckReservedLock(log->real, result);
}

static inline int kontor_sqlite3_log_control(sqlite3_file *file, int operation, void *argument) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  return log->real->pMethods->xFileControl(log->real, operation, argument);
}

static inline int kontor_sqlite3_log_sector(sqlite3_file *file) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  return log->real->pMethods->xSectorSize(log->real);
}

static inline int kontor_sqlite3_log_characteristics(sqlite3_file *file) {
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  return log->real->pMethods->xDeviceCharacteristics(log->real);
}

static inline const sqlite3_io_methods *kontor_sqlite3_log_methods(void) {
  static const sqlite3_io_methods methods = {
      1,
      kontor_sqlite3_log_close,
      kontor_sqlite3_log_read,
      kontor_sqlite3_log_write,
      kontor_sqlite3_log_truncate,
      kontor_sqlite3_log_sync,
      kontor_sqlite3_log_size,
      kontor_sqlite3_log_lock,
      kontor_sqlite3_log_unlock,
      kontor_sqlite3_log_check_lock,
      kontor_sqlite3_log_control,
      kontor_sqlite3_log_sector,
      kontor_sqlite3_log_characteristics,
  };
  return &methods;
}

// The system that the files of a database belong to: another one, but for the log's file.

static inline sqlite3_vfs *kontor_sqlite3_base(sqlite3_vfs *vfs) {
  return (sqlite3_vfs *)vfs->pAppData;
}

static inline int kontor_sqlite3_vfs_open(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *opened) {
  sqlite3_vfs *base = kontor_sqlite3_base(vfs);
  if (!(flags & SQLITE_OPEN_WAL)) return base->xOpen(base, name, file, flags, opened);
  kontor_sqlite3_log *log = (kontor_sqlite3_log *)file;
  memset(log, 0, sizeof *log);
  log->real = (sqlite3_file *)(log + 1);
  int code = base->xOpen(base, name, log->real, flags, opened);
  // Closed by SQLite where it has methods, also after an error.
  if (log->real->pMethods) log->base.pMethods = kontor_sqlite3_log_methods();
  return code;
}

static inline int kontor_sqlite3_vfs_delete(sqlite3_vfs *vfs, const char *name, int synchronizes) {
  return kontor_sqlite3_base(vfs)->xDelete(kontor_sqlite3_base(vfs), name, synchronizes);
}

static inline int kontor_sqlite3_vfs_access(
    sqlite3_vfs *vfs, const char *name, int flags, int *result) {
  return kontor_sqlite3_base(vfs)->xAccess(kontor_sqlite3_base(vfs), name, flags, result);
}

static inline int kontor_sqlite3_vfs_path(
    sqlite3_vfs *vfs, const char *name, int size, char *result) {
  return kontor_sqlite3_base(vfs)->xFullPathname(kontor_sqlite3_base(vfs), name, size, result);
}

static inline int kontor_sqlite3_vfs_random(sqlite3_vfs *vfs, int count, char *result) {
  return kontor_sqlite3_base(vfs)->xRandomness(kontor_sqlite3_base(vfs), count, result);
}

static inline int kontor_sqlite3_vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
  return kontor_sqlite3_base(vfs)->xSleep(kontor_sqlite3_base(vfs), microseconds);
}

static inline int kontor_sqlite3_vfs_time(sqlite3_vfs *vfs, double *result) {
  return kontor_sqlite3_base(vfs)->xCurrentTime(kontor_sqlite3_base(vfs), result);
}

static inline int kontor_sqlite3_vfs_error(sqlite3_vfs *vfs, int size, char *result) {
  return kontor_sqlite3_base(vfs)->xGetLastError(kontor_sqlite3_base(vfs), size, result);
}

static inline int kontor_sqlite3_vfs_time_in_milliseconds(sqlite3_vfs *vfs, sqlite3_int64 *result) {
  return kontor_sqlite3_base(vfs)->xCurrentTimeInt64(kontor_sqlite3_base(vfs), result);
}

/// The name of the system to open databases with whose files are in `name`, the process's own for
/// NULL; `name` itself where there is no memory. It is made once for each and stays.
static inline const char *kontor_sqlite3_vfs_on(const char *name) {
  static const char *const suffix = "-log";
  if (sqlite3_initialize() != SQLITE_OK) return name;
  sqlite3_vfs *base = sqlite3_vfs_find(name);
  if (!base || base->iVersion < 2) return name;
  size_t length = strlen(base->zName) + strlen(suffix) + 1;
  sqlite3_mutex *mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
  sqlite3_mutex_enter(mutex);
  sqlite3_vfs *vfs = (sqlite3_vfs *)malloc(sizeof *vfs + length);
  if (vfs) {
    memset(vfs, 0, sizeof *vfs);
    char *own = (char *)(vfs + 1);
    strcpy(own, base->zName);
    strcat(own, suffix);
    sqlite3_vfs *known = sqlite3_vfs_find(own);
    if (known) {
      free(vfs);
      vfs = known;
    } else {
      vfs->iVersion = 2;
      vfs->szOsFile = (int)sizeof(kontor_sqlite3_log) + base->szOsFile;
      vfs->mxPathname = base->mxPathname;
      vfs->zName = own;
      vfs->pAppData = base;
      vfs->xOpen = kontor_sqlite3_vfs_open;
      vfs->xDelete = kontor_sqlite3_vfs_delete;
      vfs->xAccess = kontor_sqlite3_vfs_access;
      vfs->xFullPathname = kontor_sqlite3_vfs_path;
      vfs->xRandomness = kontor_sqlite3_vfs_random;
      vfs->xSleep = kontor_sqlite3_vfs_sleep;
      vfs->xCurrentTime = kontor_sqlite3_vfs_time;
      vfs->xGetLastError = kontor_sqlite3_vfs_error;
      vfs->xCurrentTimeInt64 = kontor_sqlite3_vfs_time_in_milliseconds;
      if (sqlite3_vfs_register(vfs, 0) != SQLITE_OK) {
        free(vfs);
        vfs = NULL;
      }
    }
  }
  sqlite3_mutex_leave(mutex);
  return vfs ? vfs->zName : name;
}

/// Binds UTF-8 text that stays where it is while the statement runs; an empty text is not NULL.
static inline int kontor_sqlite3_bind_text(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_text64(
      statement, index, bytes ? (const char *)bytes : "", count, SQLITE_STATIC, SQLITE_UTF8);
}

/// Binds bytes that stay where they are while the statement runs; an empty blob is not NULL.
static inline int kontor_sqlite3_bind_blob(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  if (count == 0) return sqlite3_bind_zeroblob(statement, index, 0);
  return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_STATIC);
}

/// Switches a boolean option of a connection (SQLITE_DBCONFIG_…).
static inline int kontor_sqlite3_configure(sqlite3 *connection, int option, int on) {
  int result = 0;
  return sqlite3_db_config(connection, option, on, &result);
}

/// Gives a connection memory of its own for small objects, `count` of `size` bytes; before its first
/// statement.
static inline int kontor_sqlite3_use_lookaside(sqlite3 *connection, int size, int count) {
  return sqlite3_db_config(connection, SQLITE_DBCONFIG_LOOKASIDE, (void *)0, size, count);
}

static inline int kontor_sqlite3_store_frames(
    void *frames, sqlite3 *connection, const char *schema, int count) {
  (void)connection;
  (void)schema;
  *(int *)frames = count;
  return SQLITE_OK;
}

/// Stores the length of the log, in frames, after each commit, in place of automatic checkpoints.
static inline void kontor_sqlite3_count_frames(sqlite3 *connection, int *frames) {
  sqlite3_wal_hook(connection, kontor_sqlite3_store_frames, frames);
}

static inline int kontor_sqlite3_authorize(
    void *trusted, int action, const char *first, const char *second, const char *schema,
    const char *trigger) {
  (void)second;
  (void)schema;
  (void)trigger;
  if (*(int *)trusted) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return SQLITE_DENY;
    case SQLITE_PRAGMA:
      return first
              && (strcmp(first, "defer_foreign_keys") == 0 || strcmp(first, "table_info") == 0
                  || strcmp(first, "foreign_key_check") == 0 || strcmp(first, "quick_check") == 0
                  || strcmp(first, "integrity_check") == 0)
          ? SQLITE_OK
          : SQLITE_DENY;
    default:
      return SQLITE_OK;
  }
}

/// Refuses statements that control transactions, attach files or set options, unless `*trusted`
/// is not zero while they are prepared.
static inline int kontor_sqlite3_guard(sqlite3 *connection, int *trusted) {
  return sqlite3_set_authorizer(connection, kontor_sqlite3_authorize, trusted);
}

// The extended codes are arithmetic macros.
static const int kontor_sqlite3_constraint_unique = SQLITE_CONSTRAINT_UNIQUE;
static const int kontor_sqlite3_constraint_primary_key = SQLITE_CONSTRAINT_PRIMARYKEY;
static const int kontor_sqlite3_constraint_rowid = SQLITE_CONSTRAINT_ROWID;
static const int kontor_sqlite3_constraint_check = SQLITE_CONSTRAINT_CHECK;
static const int kontor_sqlite3_constraint_not_null = SQLITE_CONSTRAINT_NOTNULL;
static const int kontor_sqlite3_constraint_foreign_key = SQLITE_CONSTRAINT_FOREIGNKEY;
static const int kontor_sqlite3_constraint_trigger = SQLITE_CONSTRAINT_TRIGGER;
