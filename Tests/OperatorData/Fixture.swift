import SQLCore

/// A row in every table of a service, whatever its columns are, that all rules of the schema allow.
enum Fixture {
  static let id = "01900000-0000-7000-8000-000000000001"

  /// Values that the tables' rules ask for, by table and column or by column alone.
  static let values: [String: String] = [
    "currency": "'CHF'", "language": "'de'", "period_start": "'2026-01-01'",
    "period_end": "'2027-01-01'", "anchor": "'2026-01-01'", "grace_end": "'2027-02-01'",
    "blocked_end": "'2027-03-01'", "method": "'CARD'", "sign_up.state": "'COMPLETE'",
    "sign_up.password_hash": "NULL", "organization.state": "'ACTIVE'", "role": "'ADMIN'",
    "shop_order.state": "'PAID'", "payment_attempt.state": "'PAID'", "stage": "'IN_SERVICE'",
    "ledger_entry.kind": "'TOP_UP'", "ledger_entry.previous_number": "NULL",
    "ledger_entry.deposits_minor": "0", "ledger_entry.granted_minor": "0",
    "audit_entry.previous_number": "NULL", "audit_head.last_entry": "NULL",
    "ledger.last_entry": "NULL", "ledger.sequence": "0", "ledger.deposits_minor": "0",
    "ledger.granted_minor": "0", "top_up.state": "'SETTLED'",
    "provider_event.kind": "'CAPTURED'", "invoice.state": "'PAID'", "total_minor": "3",
    "payment.state": "'COMPLETE'",
  ]

  /// In the order in which they were made, so that referenced rows come first.
  static func tables(in transaction: any Transaction) throws -> [String] {
    let statement: SQL =
      switch transaction.dialect {
      case .sqlite:
        """
        SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
          AND name <> 'schema_migration' ORDER BY rowid
        """
      case .postgres:
        """
        SELECT relname AS name FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
          AND relname <> 'schema_migration' ORDER BY oid
        """
      }
    var tables = try transaction.rows(statement).map { try $0.text("name") }
    // An audit entry seals its fields, which once came after it, and follows the head of its chain.
    for (step, table) in [("move_audit_head", "audit_field"), ("append_audit_log", "audit_head")] {
      let isDone = try transaction.first("SELECT 1 FROM schema_migration WHERE name = \(step)")
      if isDone != nil, let index = tables.firstIndex(of: table) {
        tables.insert(tables.remove(at: index), at: 0)
      }
    }
    return tables
  }

  private struct Column {
    let name: String
    let type: String
  }

  private static func columns(
    of table: String, in transaction: any Transaction
  ) throws -> [Column] {
    let statement: SQL =
      switch transaction.dialect {
      case .sqlite: "SELECT name, type FROM pragma_table_info(\(table))"
      case .postgres:
        """
        SELECT column_name::text AS name, data_type::text AS type
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = \(table) ORDER BY ordinal_position
        """
      }
    return try transaction.rows(statement).map {
      Column(name: try $0.text("name"), type: try $0.text("type"))
    }
  }

  static func fill(_ transaction: any Transaction) throws {
    for table in try tables(in: transaction) {
      // A trigger of another table's row may have made one already.
      let rows = try transaction.rows(SQL(trustedText: "SELECT 1 FROM \(table) LIMIT 1"))
      if !rows.isEmpty { continue }
      let columns = try columns(of: table, in: transaction)
      let isEmptyHead = table == "audit_head" && columns.contains { $0.name == "last_entry" }
      let names = columns.map(\.name).joined(separator: ", ")
      let row = columns.map { isEmptyHead && $0.name == "sequence" ? "0" : value(table, $0) }
      try transaction.script(
        "INSERT INTO \(table) (\(names)) VALUES (\(row.joined(separator: ", ")))")
      guard table == "ledger_posting" else { continue }
      // An entry needs two postings that sum to zero.
      let other = columns.map { column in
        switch column.name {
        case "line": "2"
        case "amount_minor": "-1"
        default: value(table, column)
        }
      }
      try transaction.script(
        "INSERT INTO \(table) (\(names)) VALUES (\(other.joined(separator: ", ")))")
    }
  }

  private static func value(_ table: String, _ column: Column) -> String {
    if let value = values["\(table).\(column.name)"] ?? values[column.name] { return value }
    switch column.type {
    case "INTEGER", "bigint": return "1"
    case "BLOB": return "zeroblob(32)"
    case "bytea": return "decode(repeat('00', 32), 'hex')"
    default: return "'\(id)'"
    }
  }

  /// All rows of all tables.
  static func content(
    in transaction: any Transaction
  ) throws -> [String: [[String: SQLValue]]] {
    var content: [String: [[String: SQLValue]]] = [:]
    for table in try tables(in: transaction) {
      content[table] = try transaction.rows(SQL(trustedText: "SELECT * FROM \(table)")).map {
        Dictionary(uniqueKeysWithValues: zip($0.columns, $0.values))
      }
    }
    return content
  }
}
