#pragma once

// A SQLite VFS for tests: a disk that can be full, whose fsync can fail, and whose power can be
// cut. It passes everything to the system's VFS and remembers what a real disk would have kept.
//
// Besides, each operation can be made to fail once, by its number.
//
// What was written and not yet synchronized is on no disk for certain: a power cut keeps any part
// of it, chosen from a seed, each write whole, torn in the middle or not at all.

typedef struct faulty_disk faulty_disk;

/// What can be made to fail.
typedef enum {
  /// A write fails with an error of the device, in the middle.
  FAULTY_WRITE,
  /// A write finds no space for its second half.
  FAULTY_SPACE,
  FAULTY_SYNC,
  FAULTY_TRUNCATE,
  FAULTY_READ,
  FAULTY_OPEN,
} faulty_operation;

/// A new disk, registered as a VFS; NULL without memory. It is never released.
faulty_disk *faulty_disk_new(void);

/// The name to open databases with.
const char *faulty_disk_name(faulty_disk *disk);

/// From now on writes fail as on a full disk (1) or succeed (0).
void faulty_disk_set_full(faulty_disk *disk, int is_full);

/// The next so many fsyncs succeed, all later ones fail; a negative count lets all succeed.
void faulty_disk_fail_syncs_after(faulty_disk *disk, int count);

/// The number-th of these operations from now on fails, once; none does when the number is 0.
void faulty_disk_fail_nth(faulty_disk *disk, faulty_operation operation, int number);

/// How many operations there still are up to the failing one; 0 once it has failed.
int faulty_disk_until_failure(faulty_disk *disk);

/// From now on files are opened for reading only (1), as on a disk that was mounted so.
void faulty_disk_set_read_only(faulty_disk *disk, int is_read_only);

/// Writes the files as they would be after a power cut at this moment to `folder`, under their
/// last path components; 0 on success. The disk itself goes on.
int faulty_disk_cut_power(faulty_disk *disk, const char *folder, unsigned seed);
