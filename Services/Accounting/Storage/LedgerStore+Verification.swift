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

  /// What a verification of all books found.
  package struct Report: Sendable, Hashable {
    /// How many books there are.
    package var books = 0
    /// How many entries they have.
    package var entries = 0
    /// What does not hold, book by book; empty for sound books.
    package var faults: [BookFault] = []
    /// Entries and postings that belong to nothing.
    package var strays = 0
  }

  /// Something that does not hold in a book.
  package struct BookFault: Sendable, Hashable {
    package let book: Book
    package let fault: LedgerFault
  }

  /// Reads all entries once, in the order in which they were made, and recomputes every chain.
  ///
  /// Holds a few hundred bytes for each book.
  package static func verify(
    digest: @escaping LedgerDigest, in transaction: any Transaction
  ) throws -> Report {
    var report = Report()
    var books: [Int64: BookVerification] = [:]
    var last: Int64 = 0
    while true {
      let rows = try transaction.rows(
        """
        SELECT number, organization_id, currency, last_entry, sequence, hash, deposits_minor,
          granted_minor
        FROM ledger WHERE number > \(last) ORDER BY number LIMIT \(pageSize)
        """)
      for row in rows {
        last = try row.int64("number")
        books[last] = try BookVerification(row, digest: digest)
      }
      if rows.count < pageSize { break }
    }
    report.books = books.count
    try addEntries(to: &books, &report, in: transaction)
    try addBalances(to: &books, &report, in: transaction)
    for (_, book) in books.sorted(by: { $0.key < $1.key }) {
      report.faults += book.finish().map { BookFault(book: book.book, fault: $0) }
    }
    return report
  }

  /// Rows read at a time.
  private static let pageSize = 500

  private static func addEntries(
    to books: inout [Int64: BookVerification], _ report: inout Report,
    in transaction: any Transaction
  ) throws {
    var last: Int64 = 0
    while true {
      let rows = try transaction.rows(
        """
        SELECT number, ledger_number, previous_number, sequence, entry_id, kind, reference_id,
          description, posted_at_us, previous_hash, hash, change_minor, deposits_minor,
          granted_minor
        FROM ledger_entry WHERE number > \(last) ORDER BY number LIMIT \(pageSize)
        """)
      let isFinal = rows.count < pageSize
      let end = try isFinal ? .max : rows.last?.int64("number") ?? .max
      var postings = try postings(after: last, upTo: end, in: transaction)
      for row in rows {
        let number = try row.int64("number")
        let own = postings.removeValue(forKey: number) ?? []
        let ledgerNumber = try row.int64("ledger_number")
        report.entries += 1
        if try books[ledgerNumber]?.add(row, number: number, own) == nil { report.strays += 1 }
      }
      report.strays += postings.values.reduce(0) { $0 + $1.count }
      if isFinal { return }
      last = end
    }
  }

  private static func postings(
    after first: Int64, upTo last: Int64, in transaction: any Transaction
  ) throws -> [Int64: [RecordedPosting]] {
    var postings: [Int64: [RecordedPosting]] = [:]
    for row in try transaction.rows(
      """
      SELECT entry_number, account, amount_minor FROM ledger_posting
      WHERE entry_number > \(first) AND entry_number <= \(last)
      ORDER BY entry_number, line
      """)
    {
      postings[try row.int64("entry_number"), default: []].append(
        RecordedPosting(
          accountCode: try row.text("account"), minorUnits: try row.int64("amount_minor")))
    }
    return postings
  }

  private static func addBalances(
    to books: inout [Int64: BookVerification], _ report: inout Report,
    in transaction: any Transaction
  ) throws {
    var last: (ledger: Int64, account: String) = (0, "")
    while true {
      let rows = try transaction.rows(
        """
        SELECT ledger_number, account, amount_minor FROM ledger_balance
        WHERE (ledger_number, account) > (\(last.ledger), \(last.account))
        ORDER BY ledger_number, account LIMIT \(pageSize)
        """)
      for row in rows {
        last = (try row.int64("ledger_number"), try row.text("account"))
        if books[last.ledger] == nil { report.strays += 1 }
        books[last.ledger]?.balances[last.account] = try row.int64("amount_minor")
      }
      if rows.count < pageSize { return }
    }
  }
}

/// What has been read of a book.
private struct BookVerification {
  let book: LedgerStore.Book
  private let head: LedgerHead
  private let lastEntry: Int64?
  var balances: [String: Int64]
  private var verifier: LedgerVerifier
  private var latest: Int64?
  private var faults: [LedgerFault] = []

  init(_ row: Row, digest: @escaping LedgerDigest) throws {
    book = LedgerStore.Book(
      organizationID: try row.read("organization_id"), currency: try row.read("currency"))
    head = LedgerHead(sequence: try row.int64("sequence"), hash: try row.blob("hash"))
    lastEntry = try row.optionalInt64("last_entry")
    balances = [
      LedgerAccount.prepaidDeposits.code: 0 &- (try row.int64("deposits_minor")),
      LedgerAccount.grantedCredit.code: 0 &- (try row.int64("granted_minor")),
    ]
    verifier = LedgerVerifier(digest: digest)
  }

  mutating func add(_ row: Row, number: Int64, _ postings: [RecordedPosting]) throws {
    let entry = LedgerEntry(
      id: try row.text("entry_id"), organizationID: book.organizationID.text,
      currencyCode: book.currency.code, sequence: try row.int64("sequence"),
      kind: try row.text("kind"), referenceID: try row.text("reference_id"),
      description: try row.text("description"),
      postedAtMicroseconds: try row.int64("posted_at_us"), postings: postings,
      previousHash: try row.blob("previous_hash"), hash: try row.blob("hash"))
    let balance = try row.int64("deposits_minor") &+ row.int64("granted_minor")
    let movement = try row.optionalInt64("change_minor").map {
      RecordedMovement(minorUnits: $0, balanceMinorUnits: balance)
    }
    if try row.optionalInt64("previous_number") != latest {
      faults.append(.linkWrong(sequence: entry.sequence))
    }
    latest = number
    verifier.add(entry, movement: movement)
  }

  func finish() -> [LedgerFault] {
    var found = faults + verifier.finish(head: head, balances: balances)
    if lastEntry != latest && !found.contains(.headWrong) { found.append(.headWrong) }
    return found
  }
}
