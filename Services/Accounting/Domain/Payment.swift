package import SharedDomain

/// One item of a quote.
package struct QuotedRenewal: Sendable, Hashable {
  package let productID: ProductID
  package let months: Int
  package let line: InvoiceLine

  package init(productID: ProductID, months: Int, line: InvoiceLine) {
    self.productID = productID
    self.months = months
    self.line = line
  }

  package var period: ProductPeriod {
    ProductPeriod(productID: productID, start: line.periodStart)
  }
}

/// What chosen due items cost together, for 15 minutes (ACC-3).
package struct PaymentQuote: Sendable, Hashable {
  package let id: PaymentQuoteID
  package let organizationID: OrganizationID
  package let items: [QuotedRenewal]
  package let totals: PriceTotals
  package let createdAt: Instant
  package let expiresAt: Instant

  /// How long a quote holds.
  package static let lifetime = Duration.minutes(15)
  /// How many items one quote takes.
  package static let itemCount = 1...100

  package init(
    id: PaymentQuoteID, organizationID: OrganizationID, items: [QuotedRenewal],
    totals: PriceTotals, createdAt: Instant, expiresAt: Instant
  ) {
    self.id = id
    self.organizationID = organizationID
    self.items = items
    self.totals = totals
    self.createdAt = createdAt
    self.expiresAt = expiresAt
  }

  /// Prices renewals of one currency, one at least. Throws `.mixedCurrencies` or
  /// `.amountOverflow`.
  package static func create(
    id: PaymentQuoteID, organizationID: OrganizationID, renewals: [Renewal], roundsTotals: Bool,
    at now: Instant
  ) throws(AccountingError) -> PaymentQuote {
    var items: [QuotedRenewal] = []
    for renewal in renewals {
      items.append(
        QuotedRenewal(
          productID: renewal.productID, months: renewal.months, line: try renewal.line()))
    }
    return PaymentQuote(
      id: id, organizationID: organizationID, items: items,
      totals: try InvoiceTotals.compute(items.map(\.line), roundsTotals: roundsTotals),
      createdAt: now, expiresAt: now.advanced(by: lifetime))
  }

  /// Throws unless the quote can be paid now: `.quoteAlreadyPaid`, `.quoteExpired`,
  /// `.periodAlreadyPaid`.
  package func checkPayable(
    at now: Instant, paidBy payment: PaymentID?, paidPeriods: Set<ProductPeriod>
  ) throws(AccountingError) {
    if let payment { throw .quoteAlreadyPaid(payment) }
    guard now < expiresAt else { throw .quoteExpired(at: expiresAt) }
    for item in items where paidPeriods.contains(item.period) {
      throw .periodAlreadyPaid(item.productID, periodStart: item.period.start)
    }
  }

  /// The entry that pays the quote. Throws `.insufficientFunds`.
  package func entry(
    paymentID: PaymentID, from balance: PrepaidBalance, invoiceNumber: InvoiceNumber
  ) throws(AccountingError) -> JournalEntry? {
    try JournalEntry.sale(
      kind: .duePayment, reference: paymentID.value,
      description: "Due items, invoice \(invoiceNumber.text)", totals: totals,
      spending: try balance.spending(totals.total))
  }

  /// The invoice that the payment makes.
  package func invoice(paymentID: PaymentID, recipient: Party) -> InvoiceDraft {
    InvoiceDraft(
      organizationID: organizationID, recipient: recipient, lines: items.map(\.line),
      totals: totals, cause: .payment(paymentID))
  }
}

/// Where a payment stands.
package enum PaymentState: String, Sendable, Hashable, CaseIterable {
  /// The money is taken; the shop has not extended the products yet.
  case paid = "PAID"
  /// The products are extended.
  case complete = "COMPLETE"
}

/// A payment of due items (ACC-3, ACC-4).
package struct Payment: Sendable, Hashable {
  package let id: PaymentID
  package let organizationID: OrganizationID
  package let userID: UserID
  package let quoteID: PaymentQuoteID
  package let amount: Money
  package let state: PaymentState
  package let invoiceID: InvoiceID
  package let createdAt: Instant

  package init(
    id: PaymentID, organizationID: OrganizationID, userID: UserID, quoteID: PaymentQuoteID,
    amount: Money, state: PaymentState, invoiceID: InvoiceID, createdAt: Instant
  ) {
    self.id = id
    self.organizationID = organizationID
    self.userID = userID
    self.quoteID = quoteID
    self.amount = amount
    self.state = state
    self.invoiceID = invoiceID
    self.createdAt = createdAt
  }
}
