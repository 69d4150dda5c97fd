import AccountingDomain
import AccountingStorage
import SQLCore
import ServiceStorage
import SharedDomain
import TestSupport
import Testing

/// The step from a ledger that lay by organization to one that is appended to.
@Suite("ACC-1 books through the migrations", .onEachDriver)
struct LedgerMigrationTests {
  /// Books as the ledger's first version held them.
  private struct Books: Sendable {
    let organizationID: OrganizationID
    let currency: Currency
    var entries: [LedgerEntry] = []
    var changes: [Int64] = []
    var prepaid = PrepaidBalance.zero(.chf)
    var totals: [Int64] = []
    var balances: [String: Int64] = [:]

    init(_ number: UInt64, _ currency: Currency) {
      organizationID = id(number)
      self.currency = currency
      prepaid = .zero(currency)
    }

    mutating func post(_ number: UInt64, _ postings: [(LedgerAccount, Int64)]) throws {
      let journal = try JournalEntry(
        kind: .orderPayment, reference: (id(number) as OrderID).value,
        description: "Entry \(number)",
        currency: currency,
        postings: postings.map { Posting($0.0, minorUnits: $0.1) })
      let last = entries.last
      let entry = LedgerEntry(
        posting: journal, id: id(number), organizationID: organizationID, at: .start,
        after: last.map { LedgerHead(sequence: $0.sequence, hash: $0.hash) } ?? .empty,
        digest: testDigest)
      entries.append(entry)
      prepaid = try prepaid.following(journal)
      changes.append(try #require(try journal.prepaidChange()).minorUnits)
      totals.append(try prepaid.total().minorUnits)
      for posting in entry.postings {
        balances[posting.accountCode, default: 0] += posting.minorUnits
      }
    }

    func insert(in transaction: any Transaction) throws {
      for (index, entry) in entries.enumerated() {
        for (line, posting) in entry.postings.enumerated() {
          try transaction.execute(
            """
            INSERT INTO ledger_posting
            VALUES (\(organizationID), \(currency), \(entry.sequence), \(line),
              \(posting.accountCode), \(posting.minorUnits))
            """)
        }
        try transaction.execute(
          """
          INSERT INTO ledger_entry
          VALUES (\(organizationID), \(currency), \(entry.sequence), \(entry.id), \(entry.kind),
            \(entry.referenceID), \(entry.description), \(entry.postedAtMicroseconds),
            \(entry.previousHash), \(entry.hash))
          """)
        try transaction.execute(
          """
          INSERT INTO prepaid_movement
          VALUES (\(organizationID), \(currency), \(entry.sequence), \(changes[index]),
            \(totals[index]))
          """)
      }
      for (account, amount) in balances {
        try transaction.execute(
          """
          INSERT INTO ledger_balance VALUES (\(organizationID), \(currency), \(account), \(amount))
          """)
      }
      try transaction.execute(
        """
        INSERT INTO ledger_head VALUES (\(organizationID), \(currency), \(entries.count),
          \(entries.last?.hash))
        """)
    }
  }

  private static func sample() throws -> [Books] {
    // The organizations' order is neither that of the entries nor of the ids.
    var first = Books(2, .chf)
    var second = Books(1, .eur)
    var third = Books(1, .chf)
    let vat = LedgerAccount.vat(rate(810))
    try first.post(
      1, [(.clearing(.sandbox), 900), (.grantedCredit, -400), (.prepaidDeposits, -500)])
    try second.post(2, [(.clearing(.sandbox), 70), (.prepaidDeposits, -70)])
    try first.post(
      3, [(.grantedCredit, 400), (.prepaidDeposits, 100), (.revenue, -450), (vat, -50)])
    try third.post(4, [(.bank, 5), (.prepaidDeposits, -5)])
    try first.post(5, [(.prepaidDeposits, 400), (.deferredRevenue, -380), (vat, -20)])
    try second.post(6, [(.prepaidDeposits, 70), (.revenue, -70)])
    return [first, second, third]
  }

  @Test("entries that were posted before keep their hashes, balances and statement")
  func moved() async throws {
    let database = try await Driver.openDatabase()
    let steps = AccountingMigrations.all.sorted { $0.number < $1.number }
    try await Migrator(steps.filter { $0.number < 105 }).migrate(database)
    let books = try Self.sample()
    try await database.write { transaction in
      for book in books { try book.insert(in: transaction) }
    }
    try await Migrator(steps).migrate(database)
    try await database.read { transaction in
      let report = try LedgerStore.verify(digest: testDigest, in: transaction)
      #expect(report.faults.isEmpty)
      #expect((report.books, report.entries, report.strays) == (3, 6, 0))
      for book in books {
        let hashes = try transaction.rows(
          """
          SELECT e.hash FROM ledger_entry e JOIN ledger l ON l.number = e.ledger_number
          WHERE l.organization_id = \(book.organizationID) AND l.currency = \(book.currency)
          ORDER BY e.sequence
          """
        ).map { try $0.blob(0) }
        #expect(hashes == book.entries.map(\.hash))
        let balance = try LedgerStore.balance(book.organizationID, book.currency, in: transaction)
        #expect(balance == book.prepaid)
        let movements = try LedgerStore.movements(
          book.organizationID, book.currency, after: nil, limit: 10, in: transaction)
        #expect(movements.reversed().map(\.amount.minorUnits) == book.changes)
        #expect(movements.reversed().map(\.balance.minorUnits) == book.totals)
      }
    }
    try await database.write { transaction in
      for (number, book) in books.enumerated() {
        try LedgerStore.post(
          try JournalEntry.topUp(
            try sampleTopUp(
              Money(minorUnits: 500, currency: book.currency), number: UInt64(90 + number))),
          id: id(UInt64(90 + number)), organizationID: book.organizationID, at: .start,
          digest: testDigest, in: transaction)
      }
    }
    let report = try await database.read { transaction in
      try LedgerStore.verify(digest: testDigest, in: transaction)
    }
    #expect(report.faults.isEmpty)
    #expect(report.entries == 9)
    await database.close()
  }

  @Test("what was cut from the books before is found after the step")
  func tampered() async throws {
    for (statement, fault) in [
      ("DELETE FROM ledger_entry WHERE sequence = 3", "headWrong"),
      ("DELETE FROM ledger_head", "headWrong"),
      ("DELETE FROM ledger_posting WHERE sequence = 2 AND line = 1", "contentChanged"),
      ("UPDATE prepaid_movement SET amount_minor = 7", "movementWrong"),
    ] as [(SQL, String)] {
      let database = try await Driver.openDatabase()
      let steps = AccountingMigrations.all.sorted { $0.number < $1.number }
      try await Migrator(steps.filter { $0.number < 105 }).migrate(database)
      let books = try Self.sample()
      try await database.write { transaction in
        for book in books { try book.insert(in: transaction) }
        for (table, name) in [
          ("ledger_entry", "ledger_entry_stays"), ("ledger_head", "ledger_head_stays"),
          ("ledger_posting", "ledger_posting_stays"),
          ("prepaid_movement", "prepaid_movement_is_final"),
        ] {
          let place = transaction.dialect == .postgres ? " ON \(table)" : ""
          try transaction.script("DROP TRIGGER \(name)\(place)")
        }
        try transaction.execute(statement)
      }
      try await Migrator(steps).migrate(database)
      let report = try await database.read { transaction in
        try LedgerStore.verify(digest: testDigest, in: transaction)
      }
      #expect(report.faults.contains { "\($0.fault)".hasPrefix(fault) })
      await database.close()
    }
  }
}
