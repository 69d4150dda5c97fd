internal import AccountingAPI
internal import CommonAPI
internal import Logging
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopDomain
internal import ShopStorage

/// Asks accounting for the money of orders: the handler of the outbox's messages (SHOP-5).
///
/// The same question is repeated until there is an answer, and accounting charges an order once
/// however often it is asked; the order is paid and its products are made in one transaction. So a
/// crash anywhere loses and doubles nothing.
struct OrderCharging: Sendable {
  /// The topic of the messages. A message's id is the attempt's, its aggregate is the order.
  static let topic = "order.charge"
  /// How long one question to accounting may take.
  static let timeout = Duration.seconds(10)

  let database: any Database
  let clock: any WallClock
  let accounting: ChargeServiceClient
  let audit: ShopAudit
  let logger: Logger

  /// Asks accounting for the money of an attempt and acts on the answer: the outbox's handler.
  ///
  /// - Throws: where accounting's answer is not known; the message is then delivered again.
  func settle(_ message: OutboxMessage) async throws {
    let id = message.id
    let found = try await database.read {
      transaction -> (PaymentAttemptTable.Record, Order)? in
      guard let record = try PaymentAttemptTable.attempt(id, in: transaction),
        let order = try OrderTable.order(record.orderID, in: transaction)
      else { return nil }
      return (record, order)
    }
    guard let (record, order) = found, record.end == nil else { return }
    let answer: ChargeOrderResponse
    do {
      var options = CallOptions(timeout: Self.timeout)
      options.metadata.append(ServerContext.correlationHeader, id.text)
      answer = try await accounting.chargeOrder(
        ChargeOrderRequest(order, record.attempt), options: options)
    } catch let error as RPCError where ChargeRefusal.isFinal(error) {
      if error.code != .failedPrecondition {
        logger.error(
          "accounting does not understand a charge",
          metadata: ["order": "\(order.id)", "error": "\(error)"])
      }
      return try await release(order.id, record.attempt, error)
    }
    guard let invoiceID = InvoiceID(answer.invoiceID),
      let paidAt = answer.payTime.flatMap({ Instant($0) })
    else {
      throw RPCError(.internalError, "accounting charged order \(order.id) without an invoice")
    }
    do {
      try await complete(order.id, record.attempt, invoiceID, paidAt)
    } catch let error as ShopError {
      throw PermanentDeliveryError("order \(order.id) was charged, but: \(error)")
    }
  }

  private func complete(
    _ id: OrderID, _ attempt: PaymentAttempt, _ invoiceID: InvoiceID, _ paidAt: Instant
  ) async throws {
    let now = clock.now()
    try await database.write { transaction in
      guard let order = try OrderTable.order(id, in: transaction) else { return }
      guard
        case .complete(let paid, let products) = try order.charged(
          attempt, invoiceID: invoiceID, paidAt: paidAt, at: now)
      else { return }
      try PaymentAttemptTable.setPaid(attempt.id, of: id, at: now, in: transaction)
      try complete(paid, products, attempt, source: nil, at: now, in: transaction)
    }
  }

  private func release(
    _ id: OrderID, _ attempt: PaymentAttempt, _ error: RPCError
  ) async throws {
    let now = clock.now()
    let status = ChargeRefusal.status(error)
    try await database.write { transaction in
      guard let order = try OrderTable.order(id, in: transaction),
        case .release(let pending) = order.refused(attempt)
      else { return }
      try PaymentAttemptTable.setRefused(attempt.id, status, at: now, in: transaction)
      try OrderTable.update(pending, in: transaction)
    }
  }

  /// Stores a paid order and its products.
  func complete(
    _ order: Order, _ products: [Product], _ attempt: PaymentAttempt, source: String?,
    at now: Instant, in transaction: any Transaction
  ) throws {
    try OrderTable.update(order, in: transaction)
    for product in products { try ProductTable.insert(product, in: transaction) }
    try audit.paid(
      order, products, by: attempt.userID, source: source, at: now, in: transaction)
  }
}

extension ChargeOrderRequest {
  /// The charge of an attempt: the same, however often it is asked for.
  fileprivate init(_ order: Order, _ attempt: PaymentAttempt) {
    self.init(
      organizationID: order.organizationID.text, orderID: order.id.text,
      userID: attempt.userID.text, recipient: order.recipient.message,
      lines: zip(order.quote.lines, order.productIDs).map { line, productID in
        let term = BillingTerm(startingOn: attempt.supplyStart, period: line.period)
        return InvoiceLine(
          description: line.description, productID: productID.text,
          periodStart: term.start.message, periodEnd: term.end.message,
          net: line.price.net.message, tax: line.price.tax.message,
          taxRateBasisPoints: Int32(truncatingIfNeeded: line.price.rate.basisPoints))
      },
      totals: order.quote.totals.message)
  }
}
