package import AccountingDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// Quotes, payments and the periods that were paid (ACC-3).
package enum PaymentStore {
  package static func insert(_ quote: PaymentQuote, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO payment_quote
        (payment_quote_id, organization_id, rounds_totals, created_at_us, expires_at_us)
      VALUES (\(quote.id), \(quote.organizationID), \(!quote.totals.rounding.isZero),
        \(quote.createdAt), \(quote.expiresAt))
      """)
    for (index, item) in quote.items.enumerated() {
      let line = item.line
      try transaction.execute(
        """
        INSERT INTO payment_quote_item
          (payment_quote_id, line, product_id, months, description, period_start, period_end,
            net_minor, tax_minor, currency, rate_basis_points)
        VALUES (\(quote.id), \(index), \(item.productID), \(item.months), \(line.description),
          \(line.periodStart), \(line.periodEnd), \(line.net.minorUnits),
          \(line.tax.minorUnits), \(line.net.currency), \(line.rate))
        """)
    }
  }

  /// Removes some quotes that expired before a moment and were never paid, so that the table
  /// stays small.
  package static func removeQuotes(
    expiredBefore instant: Instant, in transaction: any Transaction
  ) throws {
    let stale = try transaction.rows(
      """
      SELECT q.payment_quote_id FROM payment_quote q
      WHERE q.expires_at_us < \(instant) AND NOT EXISTS (
        SELECT 1 FROM payment p WHERE p.payment_quote_id = q.payment_quote_id)
      ORDER BY q.expires_at_us LIMIT 10
      """
    ).map { try $0.read("payment_quote_id", as: PaymentQuoteID.self) }
    for id in stale {
      try transaction.execute("DELETE FROM payment_quote_item WHERE payment_quote_id = \(id)")
      try transaction.execute("DELETE FROM payment_quote WHERE payment_quote_id = \(id)")
    }
  }

  /// A quote of the organization; nil when it has no such one.
  package static func quote(
    _ id: PaymentQuoteID, of organizationID: OrganizationID, in transaction: any Transaction
  ) throws -> PaymentQuote? {
    let row = try transaction.first(
      """
      SELECT rounds_totals, created_at_us, expires_at_us FROM payment_quote
      WHERE payment_quote_id = \(id) AND organization_id = \(organizationID)
      """)
    guard let row else { return nil }
    let items = try transaction.rows(
      """
      SELECT product_id, months, description, period_start, period_end, net_minor, tax_minor,
        currency, rate_basis_points
      FROM payment_quote_item WHERE payment_quote_id = \(id) ORDER BY line
      """
    ).map { item in
      QuotedRenewal(
        productID: try item.read("product_id"), months: try item.int("months"),
        line: try InvoiceLineColumns.line(item, try item.read("currency")))
    }
    return PaymentQuote(
      id: id, organizationID: organizationID, items: items,
      totals: try InvoiceTotals.compute(
        items.map(\.line), roundsTotals: try row.bool("rounds_totals")),
      createdAt: try row.instant("created_at_us"), expiresAt: try row.instant("expires_at_us"))
  }

  /// The payment that paid a quote.
  package static func payment(
    ofQuote id: PaymentQuoteID, in transaction: any Transaction
  ) throws -> PaymentID? {
    try transaction.first(
      "SELECT payment_id FROM payment WHERE payment_quote_id = \(id)"
    )?.read("payment_id")
  }

  /// Which of some products' periods were paid.
  package static func paidPeriods(
    of products: [ProductID], in transaction: any Transaction
  ) throws -> Set<ProductPeriod> {
    var periods: Set<ProductPeriod> = []
    var rest = products[...]
    while !rest.isEmpty {
      for row in try transaction.rows(
        """
        SELECT product_id, period_start FROM renewal_payment
        WHERE product_id IN (\(list: Array(rest.prefix(200))))
        """)
      {
        periods.insert(
          ProductPeriod(
            productID: try row.read("product_id"), start: try row.read("period_start")))
      }
      rest = rest.dropFirst(200)
    }
    return periods
  }

  /// Writes a payment and the periods that it paid. A period that was paid before fails on
  /// `renewal_payment`'s key, a quote that was paid before on `payment_of_quote`.
  package static func insert(
    _ payment: Payment, items: [QuotedRenewal], in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      INSERT INTO payment
        (payment_id, organization_id, user_id, payment_quote_id, amount_minor, currency, state,
          invoice_id, created_at_us, completed_at_us)
      VALUES (\(payment.id), \(payment.organizationID), \(payment.userID), \(payment.quoteID),
        \(payment.amount.minorUnits), \(payment.amount.currency), \(payment.state),
        \(payment.invoiceID), \(payment.createdAt), NULL)
      """)
    for item in items {
      try transaction.execute(
        """
        INSERT INTO renewal_payment
          (product_id, period_start, months, organization_id, payment_id)
        VALUES (\(item.productID), \(item.period.start), \(item.months),
          \(payment.organizationID), \(payment.id))
        """)
    }
  }

  /// The shop has extended the products. Repeating it changes nothing.
  package static func complete(
    _ id: PaymentID, at now: Instant, in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      UPDATE payment SET state = \(PaymentState.complete), completed_at_us = \(now)
      WHERE payment_id = \(id) AND state = \(PaymentState.paid)
      """)
  }

  /// A payment of the organization; nil when it has no such one.
  package static func find(
    _ id: PaymentID, of organizationID: OrganizationID, in transaction: any Transaction
  ) throws -> Payment? {
    try transaction.first(
      """
      SELECT payment_id, organization_id, user_id, payment_quote_id, amount_minor, currency,
        state, invoice_id, created_at_us
      FROM payment WHERE payment_id = \(id) AND organization_id = \(organizationID)
      """
    ).map { row in
      Payment(
        id: try row.read("payment_id"), organizationID: try row.read("organization_id"),
        userID: try row.read("user_id"), quoteID: try row.read("payment_quote_id"),
        amount: try row.money("amount_minor", "currency"), state: try row.read("state"),
        invoiceID: try row.read("invoice_id"), createdAt: try row.instant("created_at_us"))
    }
  }
}
