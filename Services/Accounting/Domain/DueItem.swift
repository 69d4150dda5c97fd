package import SharedDomain

/// Names something that is due; stable while it is (ACC-3).
package enum DueItemID: Sendable, Hashable {
  /// The next period of a product.
  case renewal(ProductID, periodStart: CalendarDate)
  /// An open invoice.
  case invoice(InvoiceID)

  /// `renewal.<product>.<date>` or `invoice.<invoice>`.
  package var text: String {
    switch self {
    case .renewal(let product, let start): "renewal.\(product.text).\(start.text)"
    case .invoice(let invoice): "invoice.\(invoice.text)"
    }
  }

  /// Reads the text; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    switch (parts.first, parts.count) {
    case ("renewal", 3):
      guard let product = ProductID(parts[1]), let start = CalendarDate(parts[2]) else {
        return nil
      }
      self = .renewal(product, periodStart: start)
    case ("invoice", 2):
      guard let invoice = InvoiceID(parts[1]) else { return nil }
      self = .invoice(invoice)
    default: return nil
    }
  }
}

/// A product's period, which can be paid once (ACC-3).
package struct ProductPeriod: Sendable, Hashable {
  package let productID: ProductID
  package let start: CalendarDate

  package init(productID: ProductID, start: CalendarDate) {
    self.productID = productID
    self.start = start
  }
}

/// A product's next period and its price today, as the shop tells it (ACC-3).
package struct Renewal: Sendable, Hashable {
  package let productID: ProductID
  package let description: String
  /// The present end: a renewal extends from there, not from the day of payment.
  package let periodStart: CalendarDate
  package let periodEnd: CalendarDate
  package let months: Int
  package let listPrice: Money
  package let priceIncludesTax: Bool
  package let taxClass: TaxClass

  package init(
    productID: ProductID, description: String, periodStart: CalendarDate,
    periodEnd: CalendarDate, months: Int, listPrice: Money, priceIncludesTax: Bool,
    taxClass: TaxClass
  ) {
    self.productID = productID
    self.description = description
    self.periodStart = periodStart
    self.periodEnd = periodEnd
    self.months = months
    self.listPrice = listPrice
    self.priceIncludesTax = priceIncludesTax
    self.taxClass = taxClass
  }

  package var period: ProductPeriod { ProductPeriod(productID: productID, start: periodStart) }
  package var dueItemID: DueItemID { .renewal(productID, periodStart: periodStart) }

  /// The invoice line: taxed at the rate of the supply period's first day (ACC-9).
  package func line() throws(AccountingError) -> InvoiceLine {
    let rate = TaxRate.swiss(taxClass, suppliedOn: periodStart)
    let price = try accounting { () throws(MoneyError) in
      try PricedLine(listPrice: listPrice, includesTax: priceIncludesTax, rate: rate)
    }
    return InvoiceLine(
      description: description, productID: productID, periodStart: periodStart,
      periodEnd: periodEnd, net: price.net, tax: price.tax, rate: rate)
  }
}

/// Something to pay (ACC-3).
package struct DueItem: Sendable, Hashable {
  /// What it is.
  package enum Subject: Sendable, Hashable {
    case renewal(Renewal)
    case invoice(InvoiceID)
  }

  package let subject: Subject
  package let description: String
  package let dueDate: CalendarDate
  /// Whether the due date has passed.
  package let isOverdue: Bool
  /// What it costs alone.
  package let totals: PriceTotals

  /// A product's next period.
  package init(
    renewal: Renewal, today: CalendarDate, roundsTotals: Bool
  ) throws(AccountingError) {
    subject = .renewal(renewal)
    description = renewal.description
    dueDate = renewal.periodStart
    isOverdue = renewal.periodStart < today
    totals = try InvoiceTotals.compute([try renewal.line()], roundsTotals: roundsTotals)
  }

  /// An open invoice.
  package init(invoice: Invoice, today: CalendarDate) {
    subject = .invoice(invoice.id)
    description = "Invoice \(invoice.number.text)"
    dueDate = invoice.dueDate
    isOverdue = invoice.dueDate < today
    totals = invoice.totals
  }

  package var id: DueItemID {
    switch subject {
    case .renewal(let renewal): renewal.dueItemID
    case .invoice(let invoice): .invoice(invoice)
    }
  }

  /// Where the item stands in the list, soonest first: the due date, then the id.
  package var sortKey: [String] { [dueDate.text, id.text] }
}

/// Which due items a list shows, by date (ACC-3).
package enum DueFilter: Sendable, Hashable {
  /// Due within two months.
  case nextTwoMonths
  /// Due before a day.
  case before(CalendarDate)
  case all

  /// Items due before this day are shown; nil shows all. What is overdue always is.
  package func end(today: CalendarDate) -> CalendarDate? {
    switch self {
    case .nextTwoMonths: today.adding(months: 2).adding(days: 1)
    case .before(let day): max(day, today)
    case .all: nil
    }
  }
}

/// The one way in which lines become sums (ACC-9).
package enum InvoiceTotals {
  /// Sums lines of one currency; CHF totals are rounded to 0.05 where `roundsTotals` says so.
  /// There is one line at least. Throws `.mixedCurrencies` or `.amountOverflow`.
  package static func compute(
    _ lines: [InvoiceLine], roundsTotals: Bool
  ) throws(AccountingError) -> PriceTotals {
    guard let currency = lines.first?.net.currency else { throw .malformedEntry }
    return try accounting { () throws(MoneyError) in
      try PriceTotals(
        lines: lines.map(\.price), currency: currency,
        roundsToFive: roundsTotals && currency == .chf)
    }
  }
}
