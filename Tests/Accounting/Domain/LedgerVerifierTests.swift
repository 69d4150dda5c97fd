import AccountingDomain
import SharedDomain
import Testing

@Suite("ACC-1 verification of the books")
struct LedgerVerifierTests {
  /// Books as a storage would hold them.
  struct Books {
    var entries: [LedgerEntry] = []
    var movements: [Int64: RecordedMovement] = [:]
    var balances: [String: Int64] = [:]
    var head = LedgerHead.empty
    var prepaid: Int64 = 0

    mutating func post(_ journal: JournalEntry, number: UInt64) throws {
      let entry = LedgerEntry(
        posting: journal, id: id(number), organizationID: id(1), at: .start, after: head,
        digest: testDigest)
      entries.append(entry)
      head = LedgerHead(sequence: entry.sequence, hash: entry.hash)
      for posting in entry.postings {
        balances[posting.accountCode, default: 0] += posting.minorUnits
      }
      if let change = try journal.prepaidChange() {
        prepaid += change.minorUnits
        movements[entry.sequence] = RecordedMovement(
          minorUnits: change.minorUnits, balanceMinorUnits: prepaid)
      }
    }

    func faults() -> [LedgerFault] {
      var verifier = LedgerVerifier(digest: testDigest)
      for entry in entries { verifier.add(entry, movement: movements[entry.sequence]) }
      return verifier.finish(head: head, balances: balances)
    }

    var balance: PrepaidBalance {
      func held(_ account: LedgerAccount) -> Money { .chf(-(balances[account.code] ?? 0)) }
      return PrepaidBalance(deposited: held(.prepaidDeposits), granted: held(.grantedCredit))
    }
  }

  private func books() throws -> Books {
    var books = Books()
    for number in 1...4 {
      try books.post(
        try JournalEntry.topUp(try sampleTopUp(.chf(1000), number: UInt64(number))),
        number: UInt64(number))
    }
    return books
  }

  @Test("untouched books have no fault")
  func clean() throws {
    #expect(try books().faults().isEmpty)
    #expect(Books().faults().isEmpty)
  }

  @Test("a changed amount is found, even when both sides were changed")
  func changedAmount() throws {
    var books = try books()
    books.entries[1].postings[0].minorUnits = 900
    books.entries[1].postings[1].minorUnits = -900
    #expect(books.faults().contains(.contentChanged(sequence: 2)))
    #expect(books.faults().contains(.balanceWrong(accountCode: "prepaid.deposits")))
  }

  @Test("every changed value of an entry is found")
  func changedValues() throws {
    let changes: [(inout LedgerEntry) -> Void] = [
      { $0.id += "0" }, { $0.organizationID += "0" }, { $0.currencyCode = "EUR" },
      { $0.kind = "DUE_PAYMENT" }, { $0.referenceID += "0" }, { $0.description += "!" },
      { $0.postedAtMicroseconds += 1 }, { $0.postings[0].accountCode = "bank" },
    ]
    for change in changes {
      var books = try books()
      change(&books.entries[2])
      #expect(books.faults().contains(.contentChanged(sequence: 3)))
    }
  }

  @Test("a rewritten hash breaks the chain at the next entry")
  func rewritten() throws {
    var books = try books()
    books.entries[1].description = "Something else"
    books.entries[1].hash = testDigest(books.entries[1].hashedContent)
    #expect(books.faults() == [.chainBroken(sequence: 3)])
  }

  @Test("a removed entry, a cut tail and a swapped pair are found")
  func removed() throws {
    var removed = try books()
    removed.entries.remove(at: 1)
    #expect(removed.faults().contains(.sequenceWrong(expected: 2, found: 3)))
    var cut = try books()
    cut.entries.removeLast()
    #expect(cut.faults().contains(.headWrong))
    var swapped = try books()
    swapped.entries.swapAt(1, 2)
    #expect(!swapped.faults().isEmpty)
  }

  @Test("a changed balance, statement line and account are found")
  func changedRows() throws {
    var balance = try books()
    balance.balances["prepaid.deposits", default: 0] += 1
    #expect(balance.faults() == [.balanceWrong(accountCode: "prepaid.deposits")])
    var movement = try books()
    movement.movements[2] = RecordedMovement(minorUnits: 1000, balanceMinorUnits: 2001)
    #expect(movement.faults() == [.movementWrong(sequence: 2)])
    var missing = try books()
    missing.movements[2] = nil
    #expect(missing.faults() == [.movementWrong(sequence: 2)])
  }

  @Test(
    "random top-ups and charges keep the books balanced and the prepaid account covered",
    arguments: [1, 2, 3, 20_261_122, UInt64.random(in: 0...UInt64.max)])
  func property(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var books = Books()
    for step in 1...200 {
      let before = books
      if Bool.random(using: &random) {
        let amount = Money.chf(Int64.random(in: 0...20_000, using: &random))
        guard let topUp = try? sampleTopUp(amount, number: UInt64(step)) else {
          #expect(amount.minorUnits < 500, "seed \(seed)")
          continue
        }
        let repeated = Int.random(in: 1...3, using: &random)
        var current = topUp
        for _ in 1...repeated {
          if case .credited(let next, let journal) = try current.receiving(
            .captured, amount: amount, at: .start)
          {
            try books.post(journal, number: UInt64(step))
            current = next
          }
        }
        #expect(books.prepaid == before.prepaid + amount.minorUnits, "seed \(seed)")
      } else {
        let count = Int.random(in: 1...5, using: &random)
        let lines = (0..<count).map { _ in
          sampleLine(
            net: Int64.random(in: 0...9000, using: &random),
            rate: [810, 260, 380].randomElement(using: &random) ?? 810)
        }
        let claimed = try claim(lines, rounds: Bool.random(using: &random))
        guard claimed.total.isPositive else { continue }
        let charge = try OrderCharge(
          organizationID: id(1), orderID: id(UInt64(step)), userID: id(1),
          recipient: sampleParty, lines: lines, claimed: claimed)
        do {
          let journal = try charge.entry(
            from: books.balance, invoiceNumber: InvoiceNumber(year: 2026, value: 1))
          try books.post(try #require(journal), number: UInt64(step))
          #expect(books.prepaid == before.prepaid - claimed.total.minorUnits, "seed \(seed)")
        } catch AccountingError.insufficientFunds(let balance, let total) {
          #expect(balance.minorUnits == before.prepaid, "seed \(seed)")
          #expect(total == claimed.total && total.minorUnits > before.prepaid, "seed \(seed)")
          #expect(books.entries == before.entries, "seed \(seed)")
        }
      }
      #expect(books.prepaid >= 0, "seed \(seed)")
      #expect(books.balances.values.reduce(0, +) == 0, "seed \(seed)")
    }
    #expect(books.faults().isEmpty, "seed \(seed)")
  }
}
