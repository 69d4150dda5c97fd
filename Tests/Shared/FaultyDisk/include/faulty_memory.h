#pragma once

// SQLite's allocator in the tests' process: the system's, and a chosen allocation fails.
//
// A thread takes part when it says so, so that tests that run side by side leave each other alone.

typedef struct faulty_memory faulty_memory;

/// Lets one allocation fail: the one with this number, counted over the threads that take part.
/// NULL without memory. It is never released.
faulty_memory *faulty_memory_new(int number);

/// SQLite's allocations on the calling thread count from now on; with NULL they do not any more.
void faulty_memory_use(faulty_memory *memory);

/// Whether the allocation has failed.
int faulty_memory_has_failed(faulty_memory *memory);
