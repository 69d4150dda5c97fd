#include "faulty_memory.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

struct faulty_memory {
  atomic_int until_failure;
};

static sqlite3_mem_methods original;
static _Thread_local faulty_memory *used;

static int strikes(void) { return used && atomic_fetch_sub(&used->until_failure, 1) == 1; }

static void *allocate(int size) { return strikes() ? NULL : original.xMalloc(size); }

static void *reallocate(void *block, int size) {
  return strikes() ? NULL : original.xRealloc(block, size);
}

/// SQLite takes an allocator before its first use only, and any test may be the first to use it.
__attribute__((constructor)) static void replace_allocator(void) {
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &original) != SQLITE_OK) return;
  sqlite3_mem_methods methods = original;
  methods.xMalloc = allocate;
  methods.xRealloc = reallocate;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  // Without the connections' own small blocks every allocation comes here.
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

faulty_memory *faulty_memory_new(int number) {
  faulty_memory *memory = calloc(1, sizeof *memory);
  if (memory) atomic_init(&memory->until_failure, number);
  return memory;
}

void faulty_memory_use(faulty_memory *memory) { used = memory; }

int faulty_memory_has_failed(faulty_memory *memory) {
  return atomic_load(&memory->until_failure) <= 0;
}
