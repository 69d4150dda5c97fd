internal import AccountingDomain
internal import AccountingStorage
internal import Cryptography
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// The ledger (ACC-1).
extension Inspection {
  mutating func inspectBooks(_ transaction: any Transaction) throws {
    let books = try LedgerStore.verify(digest: { SHA256.hash($0) }, in: transaction)
    for found in books.faults {
      let (table, row, expectation) = found.fault.place
      let key = "\(found.book.organizationID.text)/\(found.book.currency.code)"
      find(table, row.isEmpty ? key : "\(key)/\(row)", expectation)
    }
    if books.strays > 0 {
      find(
        "ledger_posting", "-",
        "expected each row to belong to an entry and each entry to a ledger, found \(books.strays) that do not"
      )
    }
    report.notes.append("\(data.name): \(books.entries) ledger entries in \(books.books) chains")
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
    case .linkWrong(let sequence):
      ("ledger_entry", "\(sequence)", "expected the number of the entry before in previous_number")
    case .contentChanged(let sequence):
      ("ledger_entry", "\(sequence)", "expected the content that was hashed: it was changed")
    case .unbalanced(let sequence):
      ("ledger_posting", "\(sequence)", "expected two postings or more that sum to zero")
    case .accountUnknown(let sequence):
      ("ledger_posting", "\(sequence)", "expected a known account")
    case .prepaidOverdrawn(let sequence):
      ("ledger_posting", "\(sequence)", "expected a prepaid account that is not overdrawn")
    case .movementWrong(let sequence):
      ("ledger_entry", "\(sequence)", "expected the statement's line to be the entry's")
    case .headWrong:
      ("ledger", "", "expected the last entry: the tail was cut, or entries were added")
    case .balanceWrong(let account):
      (
        account.hasPrefix("prepaid.") ? "ledger" : "ledger_balance", account,
        "expected the sum of the account's postings"
      )
    }
  }
}
