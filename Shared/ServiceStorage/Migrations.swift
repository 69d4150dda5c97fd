package import SQLCore

/// The migrations of the tables that every service's database has: saved answers, the outbox, the
/// audit log, the service's secrets. Their numbers are 1 to 99; a service's own start at 100.
///
/// Written `ServiceStorage.migrations` where it is used.
package let migrations: [Migration] = [
  SharedTables.createOperation, SharedTables.createOutbox, SharedTables.createAuditLog,
  SharedTables.createServiceSecret,
]

private enum SharedTables {
  /// Saved answers, one for each operation (the rules' idempotency). The unique key begins with the
  /// request id: ids that are ordered by time keep its index local.
  static let createOperation = Migration(
    number: 1, name: "create_operation",
    sqlite: """
      CREATE TABLE operation (
        id INTEGER NOT NULL PRIMARY KEY,
        request_id TEXT NOT NULL,
        scope TEXT NOT NULL,
        method TEXT NOT NULL,
        request_hash BLOB NOT NULL
          CONSTRAINT operation_request_hash_length CHECK (length(request_hash) = 32),
        response BLOB NOT NULL,
        created_at_us INTEGER NOT NULL,
        UNIQUE (request_id, scope, method)
      ) STRICT;
      CREATE INDEX operation_created_at ON operation (created_at_us);
      """)

  /// Messages that are to be delivered, and those that were given up. `is_head` marks the earliest
  /// message of each aggregate, the only one that may be delivered.
  static let createOutbox = Migration(
    number: 2, name: "create_outbox",
    sqlite: """
      CREATE TABLE outbox (
        sequence INTEGER NOT NULL PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        aggregate_id TEXT NOT NULL,
        payload BLOB NOT NULL,
        created_at_us INTEGER NOT NULL,
        is_head INTEGER NOT NULL CONSTRAINT outbox_is_head_flag CHECK (is_head IN (0, 1)),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt_at_us INTEGER NOT NULL,
        last_error TEXT
      ) STRICT;
      CREATE UNIQUE INDEX outbox_aggregate ON outbox (aggregate_id, sequence);
      CREATE INDEX outbox_due ON outbox (next_attempt_at_us) WHERE is_head = 1;
      CREATE TABLE outbox_dead_letter (
        sequence INTEGER NOT NULL PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        aggregate_id TEXT NOT NULL,
        payload BLOB NOT NULL,
        created_at_us INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        failed_at_us INTEGER NOT NULL,
        last_error TEXT NOT NULL
      ) STRICT;
      """)

  /// The audit log (ORG-8). A personal value and its salt may be erased (set to NULL); the
  /// commitment, which the chain covers, stays. Fields hang on the entry's number, which only grows:
  /// they are written side by side, whichever the organization.
  static let createAuditLog = Migration(
    number: 3, name: "create_audit_log",
    sqlite: """
      CREATE TABLE audit_entry (
        number INTEGER NOT NULL PRIMARY KEY,
        organization_id TEXT NOT NULL,
        sequence INTEGER NOT NULL
          CONSTRAINT audit_entry_sequence_positive CHECK (sequence > 0),
        id TEXT NOT NULL,
        at_us INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT NOT NULL,
        hash BLOB NOT NULL CONSTRAINT audit_entry_hash_length CHECK (length(hash) = 32),
        UNIQUE (organization_id, sequence)
      ) STRICT;
      CREATE TABLE audit_field (
        entry_number INTEGER NOT NULL REFERENCES audit_entry (number),
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        before_value TEXT,
        after_value TEXT,
        subject TEXT,
        salt BLOB,
        commitment BLOB
          CONSTRAINT audit_field_commitment_length CHECK (length(commitment) = 32),
        PRIMARY KEY (entry_number, position)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX audit_field_subject ON audit_field (subject) WHERE subject IS NOT NULL;
      CREATE TABLE audit_head (
        organization_id TEXT NOT NULL PRIMARY KEY,
        sequence INTEGER NOT NULL,
        hash BLOB NOT NULL CONSTRAINT audit_head_hash_length CHECK (length(hash) = 32)
      ) STRICT, WITHOUT ROWID;
      """)

  /// Secrets that the service makes for itself.
  static let createServiceSecret = Migration(
    number: 4, name: "create_service_secret",
    sqlite: """
      CREATE TABLE service_secret (
        name TEXT NOT NULL PRIMARY KEY,
        value BLOB NOT NULL CONSTRAINT service_secret_length CHECK (length(value) = 32)
      ) STRICT, WITHOUT ROWID;
      """)
}
