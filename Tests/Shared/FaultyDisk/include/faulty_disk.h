#pragma once

// A SQLite VFS for tests: a disk that can be full, whose fsync can fail, and whose power can be
// cut. It passes everything to the system's VFS and remembers what a real disk would have kept.
//
// What was written and not yet synchronized is on no disk for certain: a power cut keeps any part
// of it, chosen from a seed, each write whole, torn in the middle or not at all.

typedef struct faulty_disk faulty_disk;

/// A new disk, registered as a VFS; NULL without memory. It is never released.
faulty_disk *faulty_disk_new(void);

/// The name to open databases with.
const char *faulty_disk_name(faulty_disk *disk);

/// From now on writes fail as on a full disk (1) or succeed (0).
void faulty_disk_set_full(faulty_disk *disk, int is_full);

/// The next so many fsyncs succeed, all later ones fail; a negative count lets all succeed.
void faulty_disk_fail_syncs_after(faulty_disk *disk, int count);

/// Writes the files as they would be after a power cut at this moment to `folder`, under their
/// last path components; 0 on success. The disk itself goes on.
int faulty_disk_cut_power(faulty_disk *disk, const char *folder, unsigned seed);
