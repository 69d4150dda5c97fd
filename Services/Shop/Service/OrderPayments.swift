internal import Logging
internal import RPCCore
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopDomain
internal import ShopStorage

/// Begins the payments of orders and waits for their outcome (SHOP-5).
///
/// In one transaction the order becomes PAYING and a message is put into the outbox; delivering it
/// is ``OrderCharging``'s. A request id belongs to one attempt, so a repeated call pays nothing
/// twice, and waits for the same outcome.
struct OrderPayments: Sendable {
  let database: any Database
  let clock: any WallClock
  let identifiers: IdentifierGenerator
  let relay: OutboxRelay
  let charging: OrderCharging
  let logger: Logger

  /// What the first transaction of a payment came to.
  private enum Beginning: Sendable {
    /// Nothing is left to do.
    case settled
    /// The attempt's outcome is awaited.
    case awaits(PaymentAttempt)
  }

  /// Pays an order, and answers it as it stands then: PAID, or PAYING where accounting's answer is
  /// still awaited.
  ///
  /// - Throws: accounting's refusal as it came, the order being pending again; `ShopError`.
  func pay(
    _ id: OrderID, by caller: Caller, requestID: String, _ context: ServerContext
  ) async throws -> Order {
    let request = PaymentAttemptTable.Request(scope: caller.scope, id: requestID)
    let now = clock.now()
    let attempt = PaymentAttempt(
      id: identifiers.next(), userID: caller.userID, startedAt: now,
      supplyStart: clock.localDate(now))
    let organizationID = caller.organizationID
    let beginning = try await database.write { transaction in
      try begin(
        attempt, id, of: organizationID, for: request, source: context.clientAddress,
        in: transaction)
    }
    if case .awaits(let attempt) = beginning {
      await deliver(attempt)
      try await throwRefusal(of: attempt)
    }
    return try await database.read { transaction in
      guard let order = try OrderTable.order(id, of: organizationID, in: transaction) else {
        throw ShopError.orderNotFound(id)
      }
      return order
    }
  }

  private func begin(
    _ attempt: PaymentAttempt, _ id: OrderID, of organizationID: OrganizationID,
    for request: PaymentAttemptTable.Request, source: String?,
    in transaction: any Transaction
  ) throws -> Beginning {
    if let earlier = try PaymentAttemptTable.attempt(for: request, in: transaction) {
      guard earlier.orderID == id else { throw ShopError.requestIDReused(request.id) }
      return earlier.end == nil ? .awaits(earlier.attempt) : .settled
    }
    guard let order = try OrderTable.order(id, of: organizationID, in: transaction) else {
      throw ShopError.orderNotFound(id)
    }
    switch try order.payment(attempt) {
    case .join(let order):
      guard case .paying(let current) = order.progress else { return .settled }
      return .awaits(current)
    case .complete(let paid, let products):
      try PaymentAttemptTable.insert(
        attempt, of: id, for: request, isPaid: true, in: transaction)
      try charging.complete(
        paid, products, attempt, source: source, at: attempt.startedAt, in: transaction)
      return .settled
    case .charge(let paying):
      try PaymentAttemptTable.insert(
        attempt, of: id, for: request, isPaid: false, in: transaction)
      try OrderTable.update(paying, in: transaction)
      try Outbox.append(
        OutboxMessage(
          id: attempt.id, topic: OrderCharging.topic, aggregateID: id.text, payload: [],
          createdAt: attempt.startedAt),
        in: transaction)
      return .awaits(attempt)
    }
  }

  /// Tries to settle an attempt now. What fails here is the relay's to repeat.
  private func deliver(_ attempt: PaymentAttempt) async {
    do {
      try await relay.deliver(attempt.id)
    } catch {
      logger.notice(
        "the charge's outcome is awaited", metadata: ["attempt": "\(attempt.id)"])
    }
  }

  private func throwRefusal(of attempt: PaymentAttempt) async throws {
    let record = try await database.read { transaction in
      try PaymentAttemptTable.attempt(attempt.id, in: transaction)
    }
    if case .refused(let status) = record?.end { throw ChargeRefusal.error(status) }
  }
}
