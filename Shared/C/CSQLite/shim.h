#pragma once
#include <sqlite3.h>
#include <string.h>

// What Swift cannot import from sqlite3.h: variadic functions, the SQLITE_STATIC cast, callbacks.

/// Leaves the counting of allocated memory out, which takes a mutex for each allocation. Effective
/// before the library's first use in the process only.
static inline int kontor_sqlite3_disable_memory_statistics(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
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
