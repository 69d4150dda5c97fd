internal import AccountingDomain
internal import AccountingStorage
internal import Messages
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopAPI

/// Tells the shop which renewals were paid, then marks the payment complete (ACC-3). Driven by the
/// outbox: at least once, and the shop applies a payment once.
struct RenewalDelivery: Sendable {
  let database: any Database
  let clock: any WallClock
  let client: RenewalServiceClient

  /// The outbox topic.
  static let topic = "payment.paid"
  /// How long one call to the shop may take.
  static let callTimeout = Duration.seconds(5)

  /// The step to append in the transaction that takes the money.
  static func message(
    _ payment: AccountingDomain.Payment, items: [QuotedRenewal], id: UniqueID
  ) throws(MessageError) -> OutboxMessage {
    let request = ApplyRenewalsRequest(
      paymentID: payment.id.text, organizationID: payment.organizationID.text,
      renewals: items.map {
        PaidRenewal(
          productID: $0.productID.text, periodStart: $0.period.start.message,
          months: Int32(truncatingIfNeeded: $0.months))
      })
    return OutboxMessage(
      id: id, topic: topic, aggregateID: "payment:\(payment.id.text)",
      payload: try request.serialized(), createdAt: payment.createdAt)
  }

  /// Delivers one step.
  func deliver(_ message: OutboxMessage) async throws {
    guard let request = try? ApplyRenewalsRequest(serialized: message.payload),
      let paymentID = PaymentID(request.paymentID)
    else { throw PermanentDeliveryError("the message holds no renewals") }
    _ = try await client.applyRenewals(request, options: CallOptions(timeout: Self.callTimeout))
    let now = clock.now()
    try await database.write { transaction in
      try PaymentStore.complete(paymentID, at: now, in: transaction)
    }
  }
}
