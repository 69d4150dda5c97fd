package import Cryptography
package import SQLCore
package import SharedDomain

/// The audit log: append-only, a hash chain for each organization (ORG-8).
///
/// The hash of an entry covers the one before it, ids, action, plain values and the commitments of
/// personal values. Personal values and their salts lie beside the chain (`audit_field`) and can be
/// erased without breaking it: a commitment without its salt tells nothing.
package struct AuditLog: Sendable {
  private let random: any RandomSource

  /// - Parameter random: where the salts come from.
  package init(random: any RandomSource = SecureRandom()) {
    self.random = random
  }

  /// Adds an entry to the organization's chain, in the transaction that makes the change.
  package func append(
    _ record: AuditRecord, in transaction: any Transaction
  ) throws(SQLError) {
    let (head, number) = try Self.end(of: record.organizationID, in: transaction)
    let entry = AuditChain.Entry(
      sequence: (head?.sequence ?? 0) + 1, record: record, random: random)
    let hash = AuditChain.hash(entry, previous: head?.hash ?? AuditChain.start)
    for (position, field) in entry.fields.enumerated() {
      try transaction.enqueue(
        """
        INSERT INTO audit_field (entry_number, position, name, before_value, after_value, subject,
          salt, commitment)
        VALUES (\(number), \(position), \(field.name), \(field.before), \(field.after),
          \(field.subject), \(field.salt), \(field.commitment))
        """)
    }
    // It seals its fields, and a trigger moves the chain's head on.
    try transaction.enqueue(
      """
      INSERT INTO audit_entry (number, organization_id, sequence, id, at_us, actor, action, target,
        hash)
      VALUES (\(number), \(record.organizationID), \(entry.sequence), \(record.id), \(record.at),
        \(record.actor), \(record.action), \(record.target), \(hash))
      """)
  }

  /// The chain's last entry, nil before the first, and the number of the next one in the table.
  private static func end(
    of organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> (head: (sequence: Int64, hash: [UInt8])?, number: Int64) {
    // Several servers take numbers at once, which a sequence tells apart.
    let next: SQL =
      switch transaction.dialect {
      case .sqlite: "(SELECT COALESCE(MAX(number), 0) + 1 FROM audit_entry)"
      case .postgres: "nextval(pg_get_serial_sequence('audit_entry', 'number'))"
      }
    let row = try transaction.first(
      """
      SELECT \(next) AS number, h.sequence, h.hash FROM (SELECT 1) AS one
      LEFT JOIN audit_head h ON h.organization_id = \(organizationID)
      """)
    guard let row else { throw SQLError(.other, "a row that is always there is missing") }
    let number = try row.int64("number")
    guard let sequence = try row.optionalInt64("sequence") else { return (nil, number) }
    return ((sequence, try row.blob("hash")), number)
  }

  private static func head(
    of organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> (sequence: Int64, hash: [UInt8])? {
    let row = try transaction.first(
      "SELECT sequence, hash FROM audit_head WHERE organization_id = \(organizationID)")
    guard let row else { return nil }
    return (try row.int64("sequence"), try row.blob("hash"))
  }

  /// Erases all personal values of a subject (`user:<id>`), in every organization; returns how many
  /// there were. The chains stay intact.
  @discardableResult
  package static func erasePersonalValues(
    of subject: String, in transaction: any Transaction
  ) throws(SQLError) -> Int {
    try transaction.execute(
      """
      UPDATE audit_field SET before_value = NULL, after_value = NULL, salt = NULL
      WHERE subject = \(subject) AND salt IS NOT NULL
      """)
  }
}

/// Reading.
extension AuditLog {
  /// A page of an organization's entries, newest first.
  ///
  /// - Parameters:
  ///   - sequence: entries before this one; nil for the newest.
  ///   - limit: how many at most.
  package static func page(
    of organizationID: OrganizationID, before sequence: Int64? = nil, limit: Int,
    in transaction: any Transaction
  ) throws(SQLError) -> [AuditEntry] {
    let rows = try transaction.rows(
      """
      SELECT \(columns) FROM audit_entry
      WHERE organization_id = \(organizationID) AND sequence < \(sequence ?? .max)
      ORDER BY sequence DESC LIMIT \(limit)
      """)
    return try entries(rows, of: organizationID, in: transaction).map(\.entry)
  }

  private static let columns: SQL = "number, sequence, id, at_us, actor, action, target, hash"

  /// The entries of rows, with their fields.
  private static func entries(
    _ rows: [Row], of organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> [AuditChain.Stored] {
    var numbers: [Int64] = []
    for row in rows { numbers.append(try row.int64("number")) }
    var fields: [Int64: [AuditChain.Field]] = [:]
    for row in try transaction.rows(
      """
      SELECT entry_number, name, before_value, after_value, subject, salt, commitment
      FROM audit_field WHERE entry_number IN (\(list: numbers)) ORDER BY entry_number, position
      """)
    {
      fields[try row.int64("entry_number"), default: []].append(try AuditChain.Field(row))
    }
    var entries: [AuditChain.Stored] = []
    for (row, number) in zip(rows, numbers) {
      entries.append(try AuditChain.Stored(row, of: organizationID, fields: fields[number] ?? []))
    }
    return entries
  }

  /// Computes an organization's chain again and compares it with what is stored.
  ///
  /// Finds a changed, removed or added entry, a changed or exchanged value (an erased one is no
  /// change), and a tail that was cut off the entries alone.
  package static func verify(
    _ organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> AuditVerification {
    var previous = AuditChain.start
    var count: Int64 = 0
    while true {
      let rows = try transaction.rows(
        """
        SELECT \(columns) FROM audit_entry
        WHERE organization_id = \(organizationID) AND sequence > \(count)
        ORDER BY sequence LIMIT 500
        """)
      for stored in try entries(rows, of: organizationID, in: transaction) {
        count += 1
        if let reason = stored.fault(sequence: count, previous: previous) {
          return .broken(sequence: count, reason: reason)
        }
        previous = stored.entry.hash
      }
      if rows.isEmpty { break }
    }
    let head = try head(of: organizationID, in: transaction)
    if let head, head.sequence > count {
      return .broken(sequence: count + 1, reason: "the entries up to \(head.sequence) are missing")
    }
    guard head?.sequence ?? 0 == count, head?.hash ?? AuditChain.start == previous else {
      return .broken(sequence: count, reason: "the head of the chain is not its last entry")
    }
    return .intact(entries: count, head: previous)
  }
}
