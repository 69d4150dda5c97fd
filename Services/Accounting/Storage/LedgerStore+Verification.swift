package import AccountingDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// Verification of what is stored (ACC-1), for tests and for the operator.
extension LedgerStore {
  /// The books of one organization in one currency.
  package struct Book: Sendable, Hashable {
    package let organizationID: OrganizationID
    package let currency: Currency
  }

  /// Every chain that has entries, a head or balances.
  package static func books(in transaction: any Transaction) throws -> [Book] {
    try transaction.rows(
      """
      SELECT organization_id, currency FROM ledger_head
      UNION SELECT organization_id, currency FROM ledger_entry
      UNION SELECT organization_id, currency FROM ledger_balance
      ORDER BY organization_id, currency
      """
    ).map {
      Book(organizationID: try $0.read("organization_id"), currency: try $0.read("currency"))
    }
  }

  /// Reads a whole chain, page by page, and returns what does not hold; empty for sound books.
  package static func verify(
    _ book: Book, digest: @escaping LedgerDigest, in transaction: any Transaction
  ) throws -> [LedgerFault] {
    var verifier = LedgerVerifier(digest: digest)
    var last: Int64 = 0
    while true {
      let page = try entries(book, after: last, in: transaction)
      for (entry, movement) in page { verifier.add(entry, movement: movement) }
      guard let final = page.last, page.count == pageSize else { break }
      last = final.0.sequence
    }
    var balances: [String: Int64] = [:]
    for row in try transaction.rows(
      """
      SELECT account, amount_minor FROM ledger_balance
      WHERE organization_id = \(book.organizationID) AND currency = \(book.currency)
      """)
    {
      balances[try row.text("account")] = try row.int64("amount_minor")
    }
    return verifier.finish(
      head: try head(book.organizationID, book.currency, in: transaction), balances: balances)
  }

  /// Entries read at a time.
  private static let pageSize = 500

  private static func entries(
    _ book: Book, after sequence: Int64, in transaction: any Transaction
  ) throws -> [(LedgerEntry, RecordedMovement?)] {
    try transaction.rows(
      """
      SELECT e.sequence, e.entry_id, e.kind, e.reference_id, e.description, e.posted_at_us,
        e.previous_hash, e.hash, m.amount_minor, m.balance_minor
      FROM ledger_entry e LEFT JOIN prepaid_movement m
        ON m.organization_id = e.organization_id AND m.currency = e.currency
          AND m.sequence = e.sequence
      WHERE e.organization_id = \(book.organizationID) AND e.currency = \(book.currency)
        AND e.sequence > \(sequence)
      ORDER BY e.sequence LIMIT \(pageSize)
      """
    ).map { row in
      let number = try row.int64("sequence")
      let postings = try transaction.rows(
        """
        SELECT account, amount_minor FROM ledger_posting
        WHERE organization_id = \(book.organizationID) AND currency = \(book.currency)
          AND sequence = \(number)
        ORDER BY line
        """
      ).map {
        RecordedPosting(
          accountCode: try $0.text("account"), minorUnits: try $0.int64("amount_minor"))
      }
      let entry = LedgerEntry(
        id: try row.text("entry_id"), organizationID: book.organizationID.text,
        currencyCode: book.currency.code, sequence: number, kind: try row.text("kind"),
        referenceID: try row.text("reference_id"), description: try row.text("description"),
        postedAtMicroseconds: try row.int64("posted_at_us"), postings: postings,
        previousHash: try row.blob("previous_hash"), hash: try row.blob("hash"))
      guard let amount = try row.optionalInt64("amount_minor") else { return (entry, nil) }
      return (
        entry,
        RecordedMovement(
          minorUnits: amount, balanceMinorUnits: try row.int64("balance_minor"))
      )
    }
  }
}
