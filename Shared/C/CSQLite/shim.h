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
