internal import Cryptography
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// Checks one database on one snapshot: the file, the schema, the audit log, the outbox; the books
/// where it has some.
struct Inspection {
  let data: ServiceData
  var report = InspectionReport()

  init(_ data: ServiceData) {
    self.data = data
  }

  /// Everything that can be said of this database alone.
  static func report(_ data: ServiceData, _ database: any Database) async -> InspectionReport {
    do {
      return try await database.read { transaction in Inspection.report(data, transaction) }
    } catch {
      return unreadable(data, error)
    }
  }

  private static func report(
    _ data: ServiceData, _ transaction: any Transaction
  ) -> InspectionReport {
    var inspection = Inspection(data)
    inspection.inspect(transaction)
    return inspection.report
  }

  /// The report on a database that could not be asked.
  static func unreadable(_ data: ServiceData, _ error: any Error) -> InspectionReport {
    var inspection = Inspection(data)
    inspection.find("-", "-", "expected to be readable: \(error)")
    return inspection.report
  }

  mutating func find(_ table: String, _ row: String, _ expectation: String) {
    report.findings.append(
      Finding(database: data.name, table: table, row: row, expectation: expectation))
  }

  /// The parts of a check, by the table that stands for each.
  private enum Part: String, CaseIterable {
    case file
    case schema = "schema_migration"
    case auditLog = "audit_entry"
    case outbox
    case books = "ledger_entry"
  }

  /// Runs all parts; that the database refuses one is a finding, and the others go on.
  private mutating func inspect(_ transaction: any Transaction) {
    for part in Part.allCases {
      do {
        try inspect(part, transaction)
      } catch {
        find(part.rawValue, "-", "expected to be readable: \(error)")
      }
    }
  }

  private mutating func inspect(_ part: Part, _ transaction: any Transaction) throws {
    switch part {
    case .file: try inspectFile(transaction)
    case .schema: try inspectSchema(transaction)
    case .auditLog: try inspectAuditLog(transaction)
    case .outbox: try inspectOutbox(transaction)
    case .books: if data.service == .accounting { try inspectBooks(transaction) }
    }
  }

  /// A PostgreSQL server looks after its pages and references itself.
  private mutating func inspectFile(_ transaction: any Transaction) throws {
    guard transaction.dialect == .sqlite else { return }
    for row in try transaction.rows("PRAGMA integrity_check") {
      let line = try row.text(0)
      if line != "ok" { find("file", "-", "expected pages that fit together: \(line)") }
    }
    for row in try transaction.rows("PRAGMA foreign_key_check") {
      let number = try row.optionalInt64(1).map(String.init) ?? "-"
      find(try row.text(0), number, "expected the row of \(try row.text(2)) that it refers to")
    }
  }

  private mutating func inspectSchema(_ transaction: any Transaction) throws {
    let pending: [Migration]
    do {
      pending = try Migrator(data.migrations).pending(in: transaction)
    } catch {
      guard error.code == .migration else { throw error }
      return find("schema_migration", "-", error.message)
    }
    for migration in pending {
      report.notes.append(
        "\(data.name): migration \(migration.number) (\(migration.name)) is due at the next start")
    }
  }

  private mutating func inspectAuditLog(_ transaction: any Transaction) throws {
    var entries: Int64 = 0
    let chains = try AuditLog.verifyAll(in: transaction)
    for (organizationID, verification) in chains.sorted(by: { $0.key < $1.key }) {
      switch verification {
      case .intact(let count, _): entries += count
      case .broken(let sequence, let reason):
        find(
          "audit_entry", "\(organizationID.text)/\(sequence)",
          "expected an unbroken chain: \(reason)")
      }
    }
    report.notes.append("\(data.name): \(entries) audit entries in \(chains.count) chains")
  }

  private mutating func inspectOutbox(_ transaction: any Transaction) throws {
    for row in try transaction.rows(
      """
      SELECT topic, count(*) AS messages, max(attempts) AS attempts FROM outbox
      GROUP BY topic ORDER BY topic
      """)
    {
      let attempts = try row.int("attempts")
      report.notes.append(
        "\(data.name): \(try row.int("messages")) messages wait for delivery: \(try row.text("topic"))"
          + (attempts > 0 ? ", tried up to \(attempts) times" : ""))
    }
    for letter in try Outbox.deadLetters(in: transaction) {
      report.notes.append("\(data.name): dead letter \(letter.line)")
    }
    // A head that is not marked is never delivered.
    for row in try transaction.rows(
      """
      SELECT aggregate_id FROM outbox GROUP BY aggregate_id
      HAVING sum(is_head) <> 1
        OR min(CASE WHEN is_head = 1 THEN sequence END) <> min(sequence)
      """)
    {
      find(
        "outbox", try row.text("aggregate_id"),
        "expected its first message, and no other, to be marked as the next")
    }
  }
}

extension DeadLetter {
  /// One line for people.
  var line: String {
    "\(message.id.text) \(message.topic) \(message.aggregateID), after \(attempts) attempts: \(lastError)"
  }
}
