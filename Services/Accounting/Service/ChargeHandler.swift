internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import CommonAPI
internal import Cryptography
internal import Messages
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// Takes the money for orders; called by the shop only (ACC-2, SHOP-5).
struct ChargeHandler: ChargeService {
  let books: Books

  /// How many lines an order has.
  static let lineCount = 1...100

  func chargeOrder(
    _ request: ChargeOrderRequest, context: ServerContext
  ) async throws -> ChargeOrderResponse {
    let hash = SHA256.hash(try request.serialized())
    return try await books.translating {
      let charge = try read(request)
      let now = books.clock.now()
      let identifiers = books.saleIdentifiers()
      return try await books.database.write { transaction in
        let recorded =
          try ChargeStore.find(charge.orderID, in: transaction)
          ?? pay(charge, hash: hash, identifiers, at: now, in: transaction)
        guard recorded.requestHash == hash else {
          throw AccountingError.orderChargedDifferently(charge.orderID)
        }
        return ChargeOrderResponse(
          invoiceID: recorded.invoiceID.text, payTime: recorded.paidAt.timestamp)
      }
    }
  }

  /// Pays a charge that was not paid before, all in the caller's transaction.
  private func pay(
    _ charge: OrderCharge, hash: [UInt8], _ identifiers: Books.SaleIdentifiers, at now: Instant,
    in transaction: any Transaction
  ) throws -> RecordedCharge {
    let invoice = try books.sell(
      charge.invoice, identifiers: identifiers, at: now, in: transaction
    ) { balance, number in try charge.entry(from: balance, invoiceNumber: number) }
    try InvoiceStore.setBillingParty(
      charge.recipient, of: charge.organizationID, at: now, in: transaction)
    let recorded = RecordedCharge(
      orderID: charge.orderID, organizationID: charge.organizationID, requestHash: hash,
      invoiceID: invoice.id, entryID: identifiers.entryID, paidAt: now)
    try ChargeStore.insert(recorded, in: transaction)
    try books.recordSale(
      .orderCharged, by: "user:\(charge.userID.text)", target: "order:\(charge.orderID.text)",
      invoice, at: now, source: nil, in: transaction)
    return recorded
  }

  private func read(_ request: ChargeOrderRequest) throws -> OrderCharge {
    var checks = FieldChecks()
    let organizationID: OrganizationID? = checks.identifier(
      request.organizationID, "organization_id")
    let orderID: OrderID? = checks.identifier(request.orderID, "order_id")
    let userID: UserID? = checks.identifier(request.userID, "user_id")
    let party = checks.party(request.recipient, "recipient")
    checks.count(request.lines.count, "lines", Self.lineCount)
    let lines = request.lines.prefix(Self.lineCount.upperBound).enumerated().compactMap {
      checks.line($1, "lines[\($0)]")
    }
    let totals = checks.totals(request.totals, "totals")
    let (organization, order, user, recipient, claimed) = try checks.values(
      organizationID, orderID, userID, party, totals)
    return try OrderCharge(
      organizationID: organization, orderID: order, userID: user, recipient: recipient,
      lines: lines, claimed: claimed)
  }
}

extension FieldChecks {
  /// A line of an invoice, with its supply period.
  fileprivate mutating func line(
    _ value: AccountingAPI.InvoiceLine, _ field: String
  ) -> AccountingDomain.InvoiceLine? {
    let description = text(value.description, "\(field).description", 1...400)
    let product: ProductID? =
      value.productID.isEmpty ? nil : identifier(value.productID, "\(field).product_id")
    let start = date(value.periodStart, "\(field).period_start")
    let end = date(value.periodEnd, "\(field).period_end")
    let net = money(value.net, "\(field).net", positive: false)
    let tax = money(value.tax, "\(field).tax", positive: false)
    let rate = rate(value.taxRateBasisPoints, "\(field).tax_rate_basis_points")
    guard let start, let end, let net, let tax, let rate else { return nil }
    return AccountingDomain.InvoiceLine(
      description: description, productID: product, periodStart: start, periodEnd: end, net: net,
      tax: tax, rate: rate)
  }

  /// The sums that come with the lines.
  fileprivate mutating func totals(
    _ value: CommonAPI.Totals?, _ field: String
  ) -> ClaimedTotals? {
    guard let value else {
      fail(field, "is required")
      return nil
    }
    let net = money(value.net, "\(field).net", positive: false)
    let tax = money(value.tax, "\(field).tax", positive: false)
    let rounding = money(value.rounding, "\(field).rounding", positive: false)
    let total = money(value.total, "\(field).total")
    let rates = ChargeHandler.lineCount
    count(value.taxLines.count, "\(field).tax_lines", rates)
    var taxLines: [SharedDomain.TaxLine] = []
    for (index, line) in value.taxLines.prefix(rates.upperBound).enumerated() {
      let path = "\(field).tax_lines[\(index)]"
      let rate = rate(line.rateBasisPoints, "\(path).rate_basis_points")
      let net = money(line.net, "\(path).net", positive: false)
      let tax = money(line.tax, "\(path).tax", positive: false)
      if let rate, let net, let tax {
        taxLines.append(SharedDomain.TaxLine(rate: rate, net: net, tax: tax))
      }
    }
    guard let net, let tax, let rounding, let total else { return nil }
    return ClaimedTotals(
      net: net, taxLines: taxLines, tax: tax, rounding: rounding, total: total)
  }

  private mutating func rate(_ basisPoints: Int32, _ field: String) -> TaxRate? {
    if let rate = TaxRate(basisPoints: Int64(basisPoints)) { return rate }
    fail(field, "is \(basisPoints); expected 0 to 10000")
    return nil
  }
}
