internal import AccountingDomain
internal import AccountingStorage
internal import Cryptography
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// The ledger (ACC-1).
extension Inspection {
  mutating func inspectBooks(_ transaction: any Transaction) throws {
    let books = try LedgerStore.books(in: transaction)
    for book in books {
      for fault in try LedgerStore.verify(
        book, digest: { SHA256.hash($0) }, in: transaction)
      {
        let (table, row, expectation) = fault.place
        let key = "\(book.organizationID.text)/\(book.currency.code)"
        find(table, row.isEmpty ? key : "\(key)/\(row)", expectation)
      }
    }
    for row in try transaction.rows(
      """
      SELECT currency, sum(amount_minor) AS total FROM ledger_posting
      GROUP BY currency HAVING sum(amount_minor) <> 0
      """)
    {
      find(
        "ledger_posting", try row.text("currency"),
        "expected debits and credits to be equal, found a difference of \(try row.int64("total"))")
    }
    let entries = try transaction.first("SELECT count(*) AS n FROM ledger_entry")?.int("n") ?? 0
    report.notes.append("\(data.name): \(entries) ledger entries in \(books.count) chains")
  }
}

extension LedgerFault {
  /// The table, the row after the book's key, and what was expected.
  fileprivate var place: (table: String, row: String, expectation: String) {
    switch self {
    case .sequenceWrong(let expected, let found):
      (
        "ledger_entry", "\(expected)",
        "expected entry \(expected), found \(found): entries are missing or were added"
      )
    case .chainBroken(let sequence):
      ("ledger_entry", "\(sequence)", "expected the hash of the entry before in previous_hash")
    case .contentChanged(let sequence):
      ("ledger_entry", "\(sequence)", "expected the content that was hashed: it was changed")
    case .unbalanced(let sequence):
      ("ledger_posting", "\(sequence)", "expected two postings or more that sum to zero")
    case .accountUnknown(let sequence):
      ("ledger_posting", "\(sequence)", "expected a known account")
    case .prepaidOverdrawn(let sequence):
      ("ledger_posting", "\(sequence)", "expected a prepaid account that is not overdrawn")
    case .movementWrong(let sequence):
      ("prepaid_movement", "\(sequence)", "expected the statement's line to be the entry's")
    case .headWrong:
      ("ledger_head", "", "expected the last entry: the tail was cut, or entries were added")
    case .balanceWrong(let account):
      ("ledger_balance", account, "expected the sum of the account's postings")
    }
  }
}
