import AccountingDomain
import AccountingStorage
import SQLCore
import ServiceStorage
import SharedDomain
import TestSupport
import Testing

@Suite("ACC-1 books in storage", .onEachDriver)
struct StorageTests {
  private func withLedger(
    _ body: (any Database) async throws -> Void
  ) async throws {
    let database = try await Driver.openDatabase()
    try await Migrator(AccountingMigrations.all).migrate(database)
    try await database.write { transaction in
      for number in 1...3 {
        try LedgerStore.post(
          try JournalEntry.topUp(try sampleTopUp(.chf(1000), number: UInt64(number))),
          id: id(UInt64(number)), organizationID: id(1), at: .start, digest: testDigest,
          in: transaction)
      }
    }
    try await body(database)
    await database.close()
  }

  private func faults(_ database: any Database) async throws -> [LedgerFault] {
    let report = try await database.read { transaction in
      try LedgerStore.verify(digest: testDigest, in: transaction)
    }
    #expect(report.books == 1)
    return report.faults.map(\.fault)
  }

  @Test("posted entries verify and the statement adds up to the balance")
  func posted() async throws {
    try await withLedger { database in
      let faults = try await faults(database)
      #expect(faults.isEmpty)
      try await database.read { transaction in
        let movements = try LedgerStore.movements(
          id(1), .chf, after: nil, limit: 10, in: transaction)
        #expect(movements.map(\.balance) == [.chf(3000), .chf(2000), .chf(1000)])
        #expect(movements.map(\.sequence) == [3, 2, 1])
        let balance = try LedgerStore.balance(id(1), .chf, in: transaction)
        #expect(try balance.total() == .chf(3000))
        #expect(try LedgerStore.balance(id(1), .eur, in: transaction) == .zero(.eur))
        #expect(try LedgerStore.balance(id(2), .chf, in: transaction) == .zero(.chf))
      }
    }
  }

  @Test("a page of the statement begins behind a line of that statement only")
  func pages() async throws {
    try await withLedger { database in
      try await database.write { transaction in
        try LedgerStore.post(
          try JournalEntry.topUp(try sampleTopUp(.chf(500), number: 7)), id: id(7),
          organizationID: id(2), at: .start, digest: testDigest, in: transaction)
        try LedgerStore.post(
          try JournalEntry.topUp(try sampleTopUp(.chf(600), number: 8)), id: id(8),
          organizationID: id(1), at: .start, digest: testDigest, in: transaction)
      }
      try await database.read { transaction in
        func page(
          _ number: UInt64, after position: Int64?, limit: Int
        ) throws -> [PrepaidMovement] {
          try LedgerStore.movements(
            id(number), .chf, after: position, limit: limit, in: transaction)
        }
        let first = try page(1, after: nil, limit: 2)
        #expect(first.map(\.sequence) == [4, 3])
        let second = try page(1, after: first.last?.position, limit: 3)
        #expect(second.map(\.sequence) == [2, 1])
        let end = try page(1, after: second.last?.position, limit: 3)
        #expect(end.isEmpty)
        let foreign = try page(2, after: first.last?.position, limit: 3)
        #expect(foreign.isEmpty)
        let unknown = try page(1, after: 1 << 40, limit: 3)
        #expect(unknown.isEmpty)
      }
    }
  }

  @Test("storage refuses what would overdraw the prepaid account, and changes nothing")
  func overdraft() async throws {
    try await withLedger { database in
      await #expect {
        try await database.write { transaction in
          let entry = try JournalEntry(
            kind: .orderPayment, reference: (id(9) as OrderID).value,
            description: "", currency: .chf,
            postings: [
              Posting(.prepaidDeposits, minorUnits: 3001), Posting(.revenue, minorUnits: -3001),
            ])
          try LedgerStore.post(
            entry, id: id(9), organizationID: id(1), at: .start, digest: testDigest,
            in: transaction)
        }
      } throws: {
        LedgerStore.isOverdraft($0)
      }
      let faults = try await faults(database)
      #expect(faults.isEmpty)
    }
  }

  @Test("a reference is posted once")
  func postedOnce() async throws {
    try await withLedger { database in
      await #expect(throws: SQLError.self) {
        try await database.write { transaction in
          try LedgerStore.post(
            try JournalEntry.topUp(try sampleTopUp(.chf(1000), number: 2)), id: id(9),
            organizationID: id(1), at: .start, digest: testDigest, in: transaction)
        }
      }
      let faults = try await faults(database)
      #expect(faults.isEmpty)
    }
  }

  @Test(
    "posted rows are neither changed nor deleted, nor added to",
    arguments: [
      ("UPDATE ledger_entry SET description = 'x' WHERE sequence = 2", "ledger_entry_is_final"),
      ("DELETE FROM ledger_entry WHERE sequence = 3", "ledger_entry_stays"),
      ("UPDATE ledger_posting SET amount_minor = amount_minor * 2", "ledger_posting_is_final"),
      ("DELETE FROM ledger_posting", "ledger_posting_stays"),
      ("DELETE FROM ledger_balance", "ledger_balance_stays"),
      ("DELETE FROM ledger", "ledger_stays"),
      ("UPDATE ledger SET deposits_minor = deposits_minor + 1", "ledger_follows_entry"),
      ("UPDATE ledger SET sequence = sequence - 1", "ledger_follows_entry"),
      ("UPDATE ledger SET sequence = sequence + 1", "ledger_follows_entry"),
      ("UPDATE ledger SET currency = 'EUR', sequence = sequence + 1", "ledger_follows_entry"),
      (
        """
        INSERT INTO ledger (organization_id, currency, last_entry, sequence, hash, deposits_minor,
          granted_minor)
        SELECT 'x', currency, last_entry, sequence, hash, deposits_minor, granted_minor FROM ledger
        """, "ledger_is_empty"
      ),
      (
        "INSERT INTO ledger_posting SELECT entry_number, 7, account, 5 FROM ledger_posting",
        "ledger_posting_is_sealed"
      ),
    ] as [(SQL, String)])
  func appendOnly(_ statement: SQL, _ refusal: String) async throws {
    try await withLedger { database in
      await #expect(throws: SQLError(.constraint(refusal), "")) {
        try await database.write { transaction in _ = try transaction.execute(statement) }
      }
      let faults = try await faults(database)
      #expect(faults.isEmpty)
    }
  }

  /// An entry behind the three that are there, with something changed.
  private struct Attempt: Sendable {
    var sequence = 4
    var previousHash: SQL = "hash"
    var previousNumber: SQL = "number"
    var amount = 1000
    var secondAmount = -1000
    var deposits = 4000
    var granted = 0
    var refusal: String?
  }

  @Test(
    "an entry is taken only as the next of its chain, balanced and with the balances that follow",
    arguments: [
      Attempt(),
      Attempt(sequence: 5, refusal: "ledger_entry_is_next"),
      Attempt(previousHash: "previous_hash", refusal: "ledger_entry_is_next"),
      Attempt(previousNumber: "previous_number", refusal: "ledger_entry_is_next"),
      Attempt(previousNumber: "NULL", refusal: "ledger_entry_is_next"),
      Attempt(amount: 1001, refusal: "ledger_entry_is_next"),
      Attempt(secondAmount: -999, deposits: 3999, refusal: "ledger_entry_is_next"),
      Attempt(deposits: 4001, refusal: "ledger_entry_is_next"),
      Attempt(granted: 1, refusal: "ledger_entry_is_next"),
    ])
  private func sealed(_ attempt: Attempt) async throws {
    try await withLedger { database in
      let post: @Sendable (any Transaction) throws -> Void = { transaction in
        try transaction.execute(
          """
          INSERT INTO ledger_posting VALUES (1000, 0, 'clearing:sandbox', \(attempt.amount)),
            (1000, 1, 'prepaid.deposits', \(attempt.secondAmount))
          """)
        try transaction.execute(
          """
          INSERT INTO ledger_entry
            SELECT 1000, ledger_number, \(attempt.previousNumber), \(attempt.sequence), 'x', kind,
              'x', description, posted_at_us, \(attempt.previousHash), hash, 1000,
              \(attempt.deposits), \(attempt.granted)
            FROM ledger_entry WHERE sequence = 3
          """)
        throw RolledBack()
      }
      if let refusal = attempt.refusal {
        await #expect(throws: SQLError(.constraint(refusal), "")) {
          try await database.write(post)
        }
      } else {
        await #expect(throws: RolledBack.self) { try await database.write(post) }
      }
    }
  }

  private struct RolledBack: Error {}

  @Test(
    "what is changed with the triggers gone is found",
    arguments: [
      ("UPDATE ledger_entry SET description = 'x' WHERE sequence = 2", "contentChanged"),
      (
        """
        UPDATE ledger_posting SET amount_minor = amount_minor * 2
        WHERE entry_number IN (SELECT number FROM ledger_entry WHERE sequence = 2)
        """,
        "contentChanged"
      ),
      ("DELETE FROM ledger_entry WHERE sequence = 3", "headWrong"),
      ("DELETE FROM ledger_entry WHERE sequence = 2", "sequenceWrong"),
      ("UPDATE ledger SET last_entry = last_entry - 1", "headWrong"),
      ("UPDATE ledger SET sequence = 2", "headWrong"),
      ("UPDATE ledger_entry SET previous_number = NULL WHERE sequence = 3", "linkWrong"),
      ("UPDATE ledger SET deposits_minor = 9999", "balanceWrong"),
      ("UPDATE ledger_balance SET amount_minor = 9999", "balanceWrong"),
      ("UPDATE ledger_entry SET deposits_minor = 5 WHERE sequence = 1", "movementWrong"),
      ("UPDATE ledger_entry SET change_minor = NULL WHERE sequence = 1", "movementWrong"),
    ] as [(SQL, String)])
  func tampered(_ statement: SQL, _ fault: String) async throws {
    try await withLedger { database in
      try await database.write { transaction in
        for (table, name) in [
          ("ledger_entry", "ledger_entry_is_final"), ("ledger_entry", "ledger_entry_stays"),
          ("ledger_posting", "ledger_posting_is_final"),
          ("ledger", "ledger_follows_entry"),
        ] {
          let place = transaction.dialect == .postgres ? " ON \(table)" : ""
          try transaction.script("DROP TRIGGER \(name)\(place)")
        }
        _ = try transaction.execute(statement)
      }
      #expect(try await faults(database).contains { "\($0)".hasPrefix(fault) })
    }
  }
}
