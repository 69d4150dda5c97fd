import AccountingDomain
import SharedDomain
import Testing

@Suite("ACC-1 entries")
struct JournalTests {
  private func entry(_ amounts: [Int64]) throws -> JournalEntry {
    try JournalEntry(
      kind: .topUp, reference: UniqueID(at: .start, random: 1, moreRandom: 1), description: "",
      currency: .chf, postings: amounts.map { Posting(.bank, minorUnits: $0) })
  }

  @Test("an entry whose debits equal its credits exists", arguments: [[5, -5], [3, 4, -7]])
  func balanced(_ amounts: [Int64]) throws {
    #expect(try entry(amounts).postings.map(\.minorUnits) == amounts)
  }

  @Test(
    "no other entry exists",
    arguments: [
      ([5, -4], AccountingError.unbalancedEntry), ([5], .malformedEntry), ([], .malformedEntry),
      ([5, -5, 0], .malformedEntry), ([.max, .max, 2], .amountOverflow),
      ([.min, .min], .amountOverflow),
    ] as [([Int64], AccountingError)])
  func unbalanced(_ amounts: [Int64], _ error: AccountingError) {
    #expect(throws: error) { try entry(amounts) }
  }

  @Test("a captured top-up is owed by the provider and owed to the customer")
  func topUp() throws {
    let entry = try JournalEntry.topUp(try sampleTopUp(.chf(5000)))
    #expect(
      entry.postings == [
        Posting(.clearing(.sandbox), minorUnits: 5000),
        Posting(.prepaidDeposits, minorUnits: -5000),
      ])
    #expect(try entry.prepaidChange() == .chf(5000))
  }

  @Test("a sale spends granted credit first and owes tax for each rate and the rounding")
  func sale() throws {
    let lines = [sampleLine(net: 11_988), sampleLine(net: 575, rate: 260)]
    let totals = try InvoiceTotals.compute(lines, roundsTotals: true)
    let balance = PrepaidBalance(deposited: .chf(20_000), granted: .chf(1000))
    let entry = try #require(
      try JournalEntry.sale(
        kind: .orderPayment, reference: UniqueID(at: .start, random: 1, moreRandom: 1),
        description: "Order", totals: totals, spending: try balance.spending(totals.total)))
    // 119.88 + 9.71 + 5.75 + 0.15 = 135.49, rounded to 135.50.
    #expect(
      entry.postings == [
        Posting(.grantedCredit, minorUnits: 1000), Posting(.prepaidDeposits, minorUnits: 12_550),
        Posting(.deferredRevenue, minorUnits: -12_563), Posting(.vat(rate(810)), minorUnits: -971),
        Posting(.vat(rate(260)), minorUnits: -15), Posting(.rounding, minorUnits: -1),
      ])
    #expect(try entry.prepaidChange() == .chf(-13_550))
  }

  @Test("what costs nothing makes no entry")
  func free() throws {
    let totals = try InvoiceTotals.compute([sampleLine(net: 0)], roundsTotals: true)
    let entry = try JournalEntry.sale(
      kind: .duePayment, reference: UniqueID(at: .start, random: 1, moreRandom: 1),
      description: "", totals: totals,
      spending: try PrepaidBalance.zero(.chf).spending(totals.total))
    #expect(entry == nil)
  }

  @Test("account codes are read back and nothing else is")
  func codes() throws {
    let accounts: [LedgerAccount] = [
      .prepaidDeposits, .grantedCredit, .receivable, .clearing(.sandbox), .bank,
      .deferredRevenue, .revenue, .vat(rate(810)), .rounding,
    ]
    for account in accounts { #expect(LedgerAccount(code: account.code) == account) }
    #expect(Set(accounts.map(\.code)).count == accounts.count)
    for code in ["", "vat", "vat:", "vat:0810", "vat:99999", "clearing:", "clearing:A b", "x:y"] {
      #expect(LedgerAccount(code: code) == nil)
    }
  }

  @Test("granted credit is spent before deposits, and never more than there is (ACC-2)")
  func spending() throws {
    let balance = PrepaidBalance(deposited: .chf(700), granted: .chf(300))
    #expect(
      try balance.spending(.chf(200)) == PrepaidSpending(granted: .chf(200), deposited: .chf(0)))
    #expect(
      try balance.spending(.chf(1000)) == PrepaidSpending(granted: .chf(300), deposited: .chf(700)))
    #expect(throws: AccountingError.insufficientFunds(balance: .chf(1000), total: .chf(1001))) {
      try balance.spending(.chf(1001))
    }
    #expect(throws: AccountingError.mixedCurrencies) { try balance.spending(.eur(1)) }
  }
}
