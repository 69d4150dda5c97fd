package import Cryptography
package import SQLCore
package import SharedDomain

/// The audit log: append-only, a hash chain for each organization (ORG-8).
///
/// The hash of an entry covers the one before it, ids, action, plain values and the commitments of
/// personal values. Personal values and their salts lie beside the entries (`audit_field`) and can be
/// erased without breaking the chain: a commitment without its salt tells nothing.
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
    if head == nil {
      try transaction.enqueue(
        """
        INSERT INTO audit_head (organization_id, last_entry, sequence, hash)
        VALUES (\(record.organizationID), NULL, 0, \(AuditChain.start))
        """)
    }
    let entry = AuditChain.Entry(
      sequence: (head?.sequence ?? 0) + 1, record: record, random: random)
    let hash = AuditChain.hash(entry, previous: head?.hash ?? AuditChain.start)
    for (position, field) in entry.fields.enumerated() where field.isPersonal {
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
      INSERT INTO audit_entry (number, previous_number, organization_id, sequence, id, at_us, actor,
        action, target, fields, hash)
      VALUES (\(number), \(head?.lastEntry), \(record.organizationID), \(entry.sequence),
        \(record.id), \(record.at), \(record.actor), \(record.action), \(record.target),
        \(AuditChain.text(ofPlain: entry.fields)), \(hash))
      """)
  }

  /// The head of the organization's chain, nil before the first entry, and the number of the next
  /// one in the table.
  private static func end(
    of organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> (head: AuditChain.Head?, number: Int64) {
    // Several servers take numbers at once, which a sequence tells apart.
    let next: SQL =
      switch transaction.dialect {
      case .sqlite: "(SELECT COALESCE(MAX(number), 0) + 1 FROM audit_entry)"
      case .postgres: "nextval(pg_get_serial_sequence('audit_entry', 'number'))"
      }
    let row = try transaction.first(
      """
      SELECT \(next) AS number, h.last_entry, h.sequence, h.hash FROM (SELECT 1) AS one
      LEFT JOIN audit_head h ON h.organization_id = \(organizationID)
      """)
    guard let row else { throw SQLError(.other, "a row that is always there is missing") }
    let number = try row.int64("number")
    if case .null = try row.value("sequence") { return (nil, number) }
    return (try AuditChain.Head(row), number)
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
  ///   - position: that of the entry behind which the page begins; nil for the newest entries. None
  ///     follow one that is not of this organization.
  ///   - limit: how many at most.
  package static func page(
    of organizationID: OrganizationID, after position: Int64? = nil, limit: Int,
    in transaction: any Transaction
  ) throws(SQLError) -> [AuditEntry] {
    let first: SQL =
      if let position {
        """
        SELECT previous_number FROM audit_entry
        WHERE number = \(position) AND organization_id = \(organizationID)
        """
      } else {
        "SELECT last_entry FROM audit_head WHERE organization_id = \(organizationID)"
      }
    let rows = try transaction.rows(
      """
      WITH RECURSIVE page AS (
        SELECT \(AuditChain.Stored.columns) FROM audit_entry e WHERE e.number = (\(first))
        UNION ALL
        SELECT \(AuditChain.Stored.columns)
        FROM page JOIN audit_entry e ON e.number = page.previous_number)
      SELECT * FROM page LIMIT \(limit)
      """)
    return try entries(rows, in: transaction).map(\.entry)
  }

  /// The entries of rows, with their fields.
  static func entries(
    _ rows: [Row], in transaction: any Transaction
  ) throws(SQLError) -> [AuditChain.Stored] {
    var numbers: [Int64] = []
    for row in rows { numbers.append(try row.int64("number")) }
    var fields: [Int64: [AuditChain.PlacedField]] = [:]
    for row in try transaction.rows(
      """
      SELECT entry_number, position, name, before_value, after_value, subject, salt, commitment
      FROM audit_field WHERE entry_number IN (\(list: numbers)) ORDER BY entry_number, position
      """)
    {
      fields[try row.int64("entry_number"), default: []].append(
        AuditChain.PlacedField(position: try row.int("position"), field: try AuditChain.Field(row)))
    }
    var entries: [AuditChain.Stored] = []
    for (row, number) in zip(rows, numbers) {
      entries.append(try AuditChain.Stored(row, beside: fields[number] ?? []))
    }
    return entries
  }
}
