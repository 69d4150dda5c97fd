package import SharedDomain

/// The sums that a caller claims for some lines; ``OrderCharge`` believes none of them.
package struct ClaimedTotals: Sendable, Hashable {
  package let net: Money
  package let taxLines: [TaxLine]
  package let tax: Money
  package let rounding: Money
  package let total: Money

  package init(net: Money, taxLines: [TaxLine], tax: Money, rounding: Money, total: Money) {
    self.net = net
    self.taxLines = taxLines
    self.tax = tax
    self.rounding = rounding
    self.total = total
  }
}

/// An order to be paid from the prepaid account (ACC-2, SHOP-4).
package struct OrderCharge: Sendable, Hashable {
  package let organizationID: OrganizationID
  package let orderID: OrderID
  package let userID: UserID
  package let recipient: Party
  package let lines: [InvoiceLine]
  /// Computed here from the lines.
  package let totals: PriceTotals

  /// Checks every line's tax and recomputes the sums (ACC-9). Throws `.chargeMismatch` naming the
  /// field, `.mixedCurrencies` or `.amountOverflow`. There is one line at least.
  package init(
    organizationID: OrganizationID, orderID: OrderID, userID: UserID, recipient: Party,
    lines: [InvoiceLine], claimed: ClaimedTotals
  ) throws(AccountingError) {
    let currency = claimed.total.currency
    for (index, line) in lines.enumerated() { try Self.check(line, at: index, currency) }
    self.organizationID = organizationID
    self.orderID = orderID
    self.userID = userID
    self.recipient = recipient
    self.lines = lines
    self.totals = try Self.recompute(lines, claimed: claimed, currency)
  }

  /// The entry that pays the charge. Throws `.insufficientFunds`.
  package func entry(
    from balance: PrepaidBalance, invoiceNumber: InvoiceNumber
  ) throws(AccountingError) -> JournalEntry? {
    try JournalEntry.sale(
      kind: .orderPayment, reference: orderID.value,
      description: "Order, invoice \(invoiceNumber.text)", totals: totals,
      spending: try balance.spending(totals.total))
  }

  /// The invoice that the charge makes.
  package var invoice: InvoiceDraft {
    InvoiceDraft(
      organizationID: organizationID, recipient: recipient, lines: lines, totals: totals,
      cause: .order(orderID))
  }

  private static func check(
    _ line: InvoiceLine, at index: Int, _ currency: Currency
  ) throws(AccountingError) {
    let field = "lines[\(index)]"
    try require(
      line.net.currency == currency, "\(field).net.currency_code", currency.code,
      line.net.currency.code)
    try require(
      line.tax.currency == currency, "\(field).tax.currency_code", currency.code,
      line.tax.currency.code)
    try require(
      !line.net.isNegative, "\(field).net", "zero or more", line.net.description)
    try require(
      line.periodStart < line.periodEnd, "\(field).period_end",
      "a day after \(line.periodStart)", line.periodEnd.text)
    let rates = TaxClass.allCases.map { TaxRate.swiss($0, suppliedOn: line.periodStart) }
    try require(
      rates.contains(line.rate), "\(field).tax_rate_basis_points",
      rates.map { String($0.basisPoints) }.joined(separator: ", "),
      String(line.rate.basisPoints))
    // Tax follows from the net amount, or was split off the gross amount that was shown (SHOP-6).
    let (onNet, inGross) = try accounting { () throws(MoneyError) in
      (
        try line.rate.tax(onNet: line.net),
        try line.rate.tax(inGross: try line.net.adding(line.tax))
      )
    }
    try require(
      line.tax == onNet || line.tax == inGross, "\(field).tax", onNet.description,
      line.tax.description)
  }

  private static func recompute(
    _ lines: [InvoiceLine], claimed: ClaimedTotals, _ currency: Currency
  ) throws(AccountingError) -> PriceTotals {
    let prices = lines.map(\.price)
    let (exact, rounded) = try accounting { () throws(MoneyError) in
      (
        try PriceTotals(lines: prices, currency: currency, roundsToFive: false),
        try PriceTotals(lines: prices, currency: currency, roundsToFive: currency == .chf)
      )
    }
    // Whether totals are rounded is a setting of the caller's price list.
    let totals = claimed.rounding.isZero ? exact : rounded
    func same(_ field: String, _ found: Money, _ expected: Money) throws(AccountingError) {
      try require(found == expected, "totals.\(field)", expected.description, found.description)
    }
    try same("net", claimed.net, totals.net)
    try same("tax", claimed.tax, totals.tax)
    try same("rounding", claimed.rounding, totals.rounding)
    try same("total", claimed.total, totals.total)
    try require(
      claimed.taxLines.count == totals.taxLines.count, "totals.tax_lines",
      "\(totals.taxLines.count) rates", "\(claimed.taxLines.count)")
    for (index, (found, expected)) in zip(claimed.taxLines, totals.taxLines).enumerated() {
      let field = "tax_lines[\(index)]"
      try require(
        found.rate == expected.rate, "totals.\(field).rate_basis_points",
        String(expected.rate.basisPoints), String(found.rate.basisPoints))
      try same("\(field).net", found.net, expected.net)
      try same("\(field).tax", found.tax, expected.tax)
    }
    try require(
      totals.total.isPositive, "totals.total", "more than zero", totals.total.description)
    return totals
  }

  private static func require(
    _ condition: Bool, _ field: String, _ expected: String, _ found: String
  ) throws(AccountingError) {
    guard condition else {
      throw .chargeMismatch(field: field, expected: expected, found: found)
    }
  }
}
