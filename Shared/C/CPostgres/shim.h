#pragma once
#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#include <libpq-fe.h>
#endif

// What Swift cannot import from libpq-fe.h: callbacks and character constants.

static inline void kontor_pq_ignore(void *context, const char *message) {
  (void)context;
  (void)message;
}

/// Drops the server's notices, which libpq would print to the standard error.
static inline void kontor_pq_drop_notices(PGconn *connection) {
  PQsetNoticeProcessor(connection, kontor_pq_ignore, 0);
}

// The fields of an error.
static const int kontor_pq_state = PG_DIAG_SQLSTATE;
static const int kontor_pq_message = PG_DIAG_MESSAGE_PRIMARY;
static const int kontor_pq_schema = PG_DIAG_SCHEMA_NAME;
static const int kontor_pq_table = PG_DIAG_TABLE_NAME;
static const int kontor_pq_column = PG_DIAG_COLUMN_NAME;
static const int kontor_pq_constraint = PG_DIAG_CONSTRAINT_NAME;
