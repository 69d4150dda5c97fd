package import SQLCore

/// What every service's database has: saved answers, the outbox, the audit log.
package enum ServiceStorage {
  /// The migrations of the shared tables, numbers 1 to 99; a service's own start at 100.
  package static let migrations: [Migration] = [
    createOperation, createOutbox, createAuditLog,
  ]
}
