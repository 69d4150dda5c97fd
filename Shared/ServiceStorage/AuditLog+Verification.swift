package import SQLCore
package import SharedDomain

/// Verification of what is stored (ORG-8), for tests and for the operator.
extension AuditLog {
  /// Computes an organization's chain again and compares it with what is stored.
  ///
  /// Finds a changed, removed or added entry, a changed or exchanged value (an erased one is no
  /// change), and a tail that was cut off the entries alone. Reads the whole table: to look at more
  /// than one organization, verify all.
  package static func verify(
    _ organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> AuditVerification {
    try verify(where: " AND organization_id = \(organizationID)", in: transaction)[organizationID]
      ?? .intact(entries: 0, head: AuditChain.start)
  }

  /// Reads all entries once, in the order in which they were made, and computes every chain again.
  ///
  /// Holds a few hundred bytes for each organization.
  package static func verifyAll(
    in transaction: any Transaction
  ) throws(SQLError) -> [OrganizationID: AuditVerification] {
    try verify(where: "", in: transaction)
  }

  /// Rows read at a time.
  private static let pageSize = 500

  private static func verify(
    where condition: SQL, in transaction: any Transaction
  ) throws(SQLError) -> [OrganizationID: AuditVerification] {
    var chains: [OrganizationID: ChainVerification] = [:]
    var last: Int64 = 0
    while true {
      let rows = try transaction.rows(
        """
        SELECT \(AuditChain.Stored.columns) FROM audit_entry e
        WHERE e.number > \(last)\(condition) ORDER BY e.number LIMIT \(pageSize)
        """)
      for stored in try entries(rows, in: transaction) {
        last = stored.entry.position
        chains[stored.entry.record.organizationID, default: ChainVerification()].add(stored)
      }
      if rows.count < pageSize { break }
    }
    var after = ""
    while true {
      let rows = try transaction.rows(
        """
        SELECT organization_id, last_entry, sequence, hash FROM audit_head
        WHERE organization_id > \(after)\(condition)
        ORDER BY organization_id LIMIT \(pageSize)
        """)
      for row in rows {
        after = try row.text("organization_id")
        chains[try row.read("organization_id"), default: ChainVerification()].head =
          try AuditChain.Head(row)
      }
      if rows.count < pageSize { break }
    }
    return chains.mapValues { $0.finish() }
  }
}

/// What has been read of a chain.
private struct ChainVerification {
  var head: AuditChain.Head?
  private var count: Int64 = 0
  private var lastEntry: Int64?
  private var previous = AuditChain.start
  private var fault: AuditVerification?

  mutating func add(_ stored: AuditChain.Stored) {
    count += 1
    if fault != nil { return }
    if let reason = stored.fault(sequence: count, after: lastEntry, previous: previous) {
      fault = .broken(sequence: count, reason: reason)
    }
    lastEntry = stored.entry.position
    previous = stored.entry.hash
  }

  func finish() -> AuditVerification {
    if let fault { return fault }
    if let head, head.sequence > count {
      return .broken(sequence: count + 1, reason: "the entries up to \(head.sequence) are missing")
    }
    guard head?.sequence ?? 0 == count, head?.hash ?? AuditChain.start == previous,
      head?.lastEntry == lastEntry
    else {
      return .broken(sequence: count, reason: "the head of the chain is not its last entry")
    }
    return .intact(entries: count, head: previous)
  }
}
