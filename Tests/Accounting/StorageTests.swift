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
    try await database.read { transaction in
      try LedgerStore.books(in: transaction).flatMap {
        try LedgerStore.verify($0, digest: testDigest, in: transaction)
      }
    }
  }

  @Test("posted entries verify and the statement adds up to the balance")
  func posted() async throws {
    try await withLedger { database in
      let faults = try await faults(database)
      #expect(faults.isEmpty)
      try await database.read { transaction in
        let movements = try LedgerStore.movements(
          id(1), .chf, before: nil, limit: 10, in: transaction)
        #expect(movements.map(\.balance) == [.chf(3000), .chf(2000), .chf(1000)])
        let balance = try LedgerStore.balance(id(1), .chf, in: transaction)
        #expect(try balance.total() == .chf(3000))
        #expect(try LedgerStore.balance(id(1), .eur, in: transaction) == .zero(.eur))
        #expect(try LedgerStore.balance(id(2), .chf, in: transaction) == .zero(.chf))
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
      "UPDATE ledger_entry SET description = 'x' WHERE sequence = 2",
      "DELETE FROM ledger_entry WHERE sequence = 3",
      "UPDATE ledger_posting SET amount_minor = amount_minor * 2",
      "DELETE FROM ledger_posting", "UPDATE prepaid_movement SET amount_minor = 1",
      "DELETE FROM prepaid_movement", "DELETE FROM ledger_balance", "DELETE FROM ledger_head",
      """
      INSERT INTO ledger_posting
        SELECT organization_id, currency, sequence, 7, account, 5 FROM ledger_posting LIMIT 1
      """,
      """
      INSERT INTO ledger_entry
        SELECT organization_id, currency, 4, entry_id, kind, 'x', description, posted_at_us,
          previous_hash, hash FROM ledger_entry WHERE sequence = 3
      """,
    ] as [SQL])
  func appendOnly(_ statement: SQL) async throws {
    try await withLedger { database in
      await #expect(throws: SQLError.self) {
        try await database.write { transaction in _ = try transaction.execute(statement) }
      }
      let faults = try await faults(database)
      #expect(faults.isEmpty)
    }
  }

  @Test("an entry that does not follow the one before it is refused by storage")
  func unchained() async throws {
    try await withLedger { database in
      for (sequence, previous) in [(4, "hash"), (4, "previous_hash"), (5, "hash")] {
        let previousHash: SQL = previous == "hash" ? "hash" : "previous_hash"
        let post: @Sendable (any Transaction) throws -> Void = { transaction in
          try transaction.execute(
            """
            INSERT INTO ledger_posting
              SELECT organization_id, currency, \(sequence), line, account, amount_minor
              FROM ledger_posting WHERE sequence = 3
            """)
          try transaction.execute(
            """
            INSERT INTO ledger_entry
              SELECT organization_id, currency, \(sequence), 'x', kind, 'x', description,
                posted_at_us, \(previousHash), hash
              FROM ledger_entry WHERE sequence = 3
            """)
        }
        if sequence == 4 && previous == "hash" {
          await #expect(throws: RolledBack.self) {
            try await database.write { transaction in
              try post(transaction)
              throw RolledBack()
            }
          }
        } else {
          await #expect(throws: SQLError(.constraint("ledger_entry_is_chained"), "")) {
            try await database.write { transaction in try post(transaction) }
          }
        }
      }
    }
  }

  private struct RolledBack: Error {}

  @Test(
    "what is changed with the triggers gone is found",
    arguments: [
      ("UPDATE ledger_entry SET description = 'x' WHERE sequence = 2", "contentChanged"),
      (
        "UPDATE ledger_posting SET amount_minor = amount_minor * 2 WHERE sequence = 2",
        "contentChanged"
      ),
      ("DELETE FROM ledger_entry WHERE sequence = 3", "headWrong"),
      ("DELETE FROM ledger_entry WHERE sequence = 2", "sequenceWrong"),
      ("UPDATE ledger_balance SET amount_minor = -9999 WHERE account LIKE 'pre%'", "balanceWrong"),
      ("UPDATE prepaid_movement SET balance_minor = 5 WHERE sequence = 1", "movementWrong"),
    ] as [(SQL, String)])
  func tampered(_ statement: SQL, _ fault: String) async throws {
    try await withLedger { database in
      try await database.write { transaction in
        for (table, name) in [
          ("ledger_entry", "ledger_entry_is_final"), ("ledger_entry", "ledger_entry_stays"),
          ("ledger_posting", "ledger_posting_is_final"),
          ("prepaid_movement", "prepaid_movement_is_final"),
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
