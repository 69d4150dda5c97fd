internal import Cryptography
internal import Operator
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// The last sealed head of each chain, compared with what is stored.
struct SealedHeads: Sendable {
  private var heads: [String: [SealedHead.Chain: SealedHead]] = [:]

  /// Reads and verifies the seals; what is wrong with them is a finding.
  static func read(from folder: StackFolder, into report: inout InspectionReport) -> SealedHeads {
    var sealed = SealedHeads()
    let seals = SealFolder(path: folder.seals)
    var count = 0
    for name in seals.names {
      do {
        let key = try seals.verifyingKey(name)
        let text = PrivateFile.read(seals.seals(name)) ?? ""
        count += try sealed.add(Seal.seals(in: text), by: key)
      } catch {
        report.findings.append(
          Finding(
            database: "seals", table: "\(name).seals", row: "-", expectation: "\(error)"))
      }
    }
    report.notes.append(
      count == 0
        ? "nothing is sealed: a chain that was rewritten as a whole cannot be told (kontor seal)"
        : "\(count) seals")
    return sealed
  }

  private mutating func add(_ seals: [Seal?], by key: Ed25519PublicKey) throws -> Int {
    var previous = Seal.start
    for (index, seal) in seals.enumerated() {
      guard let seal else {
        throw OperatorError("expected a seal as number \(index + 1), found other lines")
      }
      guard seal.number == index + 1, seal.previous == previous else {
        throw OperatorError("expected seal \(index + 1) to follow from the one before")
      }
      guard key.isValidSignature(seal.signature, for: Array(seal.text.utf8)) else {
        throw OperatorError("expected a signature of the seals' key on seal \(seal.number)")
      }
      for head in seal.heads { heads[head.database, default: [:]][head.chain] = head }
      previous = seal.hash
    }
    return seals.count
  }

  /// Compares a database with its sealed heads: an entry that was sealed is there, as it was. What
  /// comes before it follows by the chain, which is verified apart.
  func report(_ data: ServiceData, _ database: any Database) async -> InspectionReport {
    let heads = self.heads[data.name] ?? [:]
    if heads.isEmpty { return InspectionReport() }
    do {
      return try await database.read { try Inspection.report(data, heads.values, $0) }
    } catch {
      return Inspection.unreadable(data, error)
    }
  }

  /// The heads of the chains that have grown after an audit entry. Whatever changes an
  /// organization's books adds to its audit log in the same transaction.
  static func grown(
    _ data: ServiceData, after cursor: Int64, in transaction: any Transaction
  ) throws -> (cursor: Int64, heads: [SealedHead]) {
    var heads: [SealedHead] = []
    let last = try transaction.first("SELECT max(number) AS n FROM audit_entry")
    for row in try transaction.rows(
      """
      SELECT h.organization_id, h.sequence, h.hash FROM audit_head h
      WHERE h.organization_id IN (
        SELECT organization_id FROM audit_entry WHERE number > \(cursor))
      ORDER BY h.organization_id
      """)
    {
      heads.append(
        SealedHead(
          database: data.name, chain: .audit(organizationID: try row.text("organization_id")),
          sequence: try row.int64("sequence"), hash: try row.blob("hash")))
    }
    if data.service == .accounting {
      for row in try transaction.rows(
        """
        SELECT h.organization_id, h.currency, h.sequence, h.hash FROM ledger h
        WHERE h.sequence > 0 AND h.organization_id IN (
          SELECT organization_id FROM audit_entry WHERE number > \(cursor))
        ORDER BY h.organization_id, h.currency
        """)
      {
        heads.append(
          SealedHead(
            database: data.name,
            chain: .ledger(
              organizationID: try row.text("organization_id"), currency: try row.text("currency")),
            sequence: try row.int64("sequence"), hash: try row.blob("hash")))
      }
    }
    return (try last?.optionalInt64("n") ?? cursor, heads)
  }
}

extension Inspection {
  /// Compares a database with its sealed heads.
  fileprivate static func report(
    _ data: ServiceData, _ heads: some Collection<SealedHead>, _ transaction: any Transaction
  ) throws -> InspectionReport {
    var inspection = Inspection(data)
    for head in heads.sorted(by: { $0.line < $1.line }) {
      try inspection.compare(head, transaction)
    }
    return inspection.report
  }

  /// Looks for a sealed entry.
  mutating func compare(_ head: SealedHead, _ transaction: any Transaction) throws {
    let table: String
    let key: String
    let row: Row?
    switch head.chain {
    case .audit(let organizationID):
      table = "audit_entry"
      key = "\(organizationID)/\(head.sequence)"
      row = try transaction.first(
        """
        WITH RECURSIVE chain AS (
          SELECT e.previous_number, e.sequence, e.hash
          FROM audit_head h JOIN audit_entry e ON e.number = h.last_entry
          WHERE h.organization_id = \(organizationID)
          UNION ALL
          SELECT e.previous_number, e.sequence, e.hash
          FROM chain JOIN audit_entry e ON e.number = chain.previous_number
          WHERE chain.sequence > \(head.sequence))
        SELECT hash FROM chain WHERE sequence = \(head.sequence)
        """)
    case .ledger(let organizationID, let currency):
      table = "ledger_entry"
      key = "\(organizationID)/\(currency)/\(head.sequence)"
      row = try transaction.first(
        """
        WITH RECURSIVE chain AS (
          SELECT e.previous_number, e.sequence, e.hash
          FROM ledger l JOIN ledger_entry e ON e.number = l.last_entry
          WHERE l.organization_id = \(organizationID) AND l.currency = \(currency)
          UNION ALL
          SELECT e.previous_number, e.sequence, e.hash
          FROM chain JOIN ledger_entry e ON e.number = chain.previous_number
          WHERE chain.sequence > \(head.sequence))
        SELECT hash FROM chain WHERE sequence = \(head.sequence)
        """)
    }
    guard let row else {
      return find(table, key, "expected the entry that was sealed: the tail was cut")
    }
    if try row.blob("hash") != head.hash {
      find(table, key, "expected the hash that was sealed: the chain was rewritten")
    }
  }
}
