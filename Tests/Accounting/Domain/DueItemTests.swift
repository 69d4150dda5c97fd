import AccountingDomain
import SharedDomain
import Testing

@Suite("ACC-3 due items, quotes and payments")
struct DueItemTests {
  private func renewal(_ start: String, price: Int64 = 12_960, product: UInt64 = 1) -> Renewal {
    Renewal(
      productID: id(product), description: "Web hosting", periodStart: day(start),
      periodEnd: day(start).adding(months: 12), months: 12, listPrice: .chf(price),
      priceIncludesTax: true, taxClass: .standard)
  }

  @Test("ids of due items are read back and nothing else is")
  func identifiers() {
    let renewal = DueItemID.renewal(id(1), periodStart: day("2026-12-01"))
    #expect(DueItemID(renewal.text) == renewal)
    let invoice = DueItemID.invoice(id(2))
    #expect(DueItemID(invoice.text) == invoice)
    for text in [
      "", "renewal", "renewal.", "renewal.x.2026-12-01", "invoice.", "\(renewal.text).x",
      "\(invoice.text).x", renewal.text.uppercased(), "renewal..2026-12-01",
    ] {
      #expect(DueItemID(text) == nil)
    }
  }

  @Test("the list ends two months from today unless asked otherwise; overdue is always there")
  func filter() {
    let today = day("2026-12-31")
    #expect(DueFilter.nextTwoMonths.end(today: today) == day("2027-03-01"))
    #expect(DueFilter.before(day("2027-06-01")).end(today: today) == day("2027-06-01"))
    #expect(DueFilter.before(day("2020-01-01")).end(today: today) == today)
    #expect(DueFilter.all.end(today: today) == nil)
  }

  @Test("an item is overdue once its day has passed")
  func overdue() throws {
    func item(_ start: String) throws -> DueItem {
      try DueItem(renewal: renewal(start), today: day("2026-11-22"), roundsTotals: true)
    }
    #expect(try item("2026-11-21").isOverdue)
    #expect(try !item("2026-11-22").isOverdue)
    #expect(try item("2026-11-22").dueDate == day("2026-11-22"))
  }

  @Test("a quote holds for 15 minutes and sums its lines")
  func quote() throws {
    let quote = try PaymentQuote.create(
      id: id(1), organizationID: id(1),
      renewals: [renewal("2026-12-01"), renewal("2026-12-05", price: 1234, product: 2)],
      roundsTotals: true, at: .start)
    #expect(quote.items.count == 2)
    // 129.60 + 12.34 = 141.94, rounded to 141.95.
    #expect(quote.totals.total == .chf(14_195) && quote.totals.rounding == .chf(1))
    let last = Instant(microseconds: quote.expiresAt.microseconds - 1)
    try quote.checkPayable(at: last, paidBy: nil, paidPeriods: [])
    #expect(quote.expiresAt == Instant.start.advanced(by: .minutes(15)))
    #expect(throws: AccountingError.quoteExpired(at: quote.expiresAt)) {
      try quote.checkPayable(at: quote.expiresAt, paidBy: nil, paidPeriods: [])
    }
    #expect(throws: AccountingError.quoteAlreadyPaid(id(9))) {
      try quote.checkPayable(at: quote.expiresAt, paidBy: id(9), paidPeriods: [])
    }
    let paid = ProductPeriod(productID: id(2), start: day("2026-12-05"))
    #expect(throws: AccountingError.periodAlreadyPaid(id(2), periodStart: day("2026-12-05"))) {
      try quote.checkPayable(at: .start, paidBy: nil, paidPeriods: [paid])
    }
  }

  @Test("a quote is of one currency and its sums do not overflow")
  func badQuotes() {
    let euros = Renewal(
      productID: id(2), description: "", periodStart: day("2026-12-01"),
      periodEnd: day("2027-12-01"), months: 12, listPrice: .eur(100), priceIncludesTax: false,
      taxClass: .standard)
    #expect(throws: AccountingError.mixedCurrencies) {
      try PaymentQuote.create(
        id: id(1), organizationID: id(1), renewals: [renewal("2026-12-01"), euros],
        roundsTotals: true, at: .start)
    }
    #expect(throws: AccountingError.amountOverflow) {
      try PaymentQuote.create(
        id: id(1), organizationID: id(1), renewals: [renewal("2026-12-01", price: .max)],
        roundsTotals: true, at: .start)
    }
  }
}
