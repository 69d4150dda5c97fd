internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopDomain

/// Writes the shop's changes into the organizations' audit logs (ORG-8).
struct ShopAudit: Sendable {
  private let log = AuditLog()
  let identifiers: IdentifierGenerator

  func placed(
    _ order: Order, source: String?, in transaction: any Transaction
  ) throws {
    try append(
      order, "order.placed", by: "user:\(order.orderedBy)", source: source, at: order.createdAt,
      [
        .plain("catalogue_version", after: order.quote.catalogueVersion),
        .plain("accepted_terms_version", after: order.acceptedTermsVersion),
        .plain("total", after: order.quote.totals.total.description),
      ], in: transaction)
  }

  func cancelled(
    _ order: Order, by userID: UserID, source: String?, at now: Instant,
    in transaction: any Transaction
  ) throws {
    try append(
      order, "order.cancelled", by: "user:\(userID)", source: source, at: now,
      [.plain("state", before: OrderState.pending.rawValue, after: OrderState.cancelled.rawValue)],
      in: transaction)
  }

  /// The order's payment, and each product that it makes.
  func paid(
    _ order: Order, _ products: [Product], by userID: UserID, source: String?, at now: Instant,
    in transaction: any Transaction
  ) throws {
    var fields: [AuditField] = [
      .plain("total", after: order.quote.totals.total.description)
    ]
    if case .paid(let payment) = order.progress, let invoiceID = payment.invoiceID {
      fields.append(.plain("invoice_id", after: invoiceID.text))
    }
    let actor = "user:\(userID)"
    try append(order, "order.paid", by: actor, source: source, at: now, fields, in: transaction)
    for product in products {
      try append(
        product, "product.activated", by: actor, source: source, at: now,
        [
          .plain("order_id", after: order.id.text), .plain("plan_id", after: product.planID.text),
          .plain("period_end", after: product.term.end.text),
        ], in: transaction)
    }
  }

  func renewed(
    _ product: Product, from old: Product, by paymentID: PaymentID, at now: Instant,
    in transaction: any Transaction
  ) throws {
    try append(
      product, "product.renewed", by: ServiceName.accounting.actor, source: nil, at: now,
      [
        .plain("payment_id", after: paymentID.text),
        .plain("period_end", before: old.term.end.text, after: product.term.end.text),
      ], in: transaction)
  }

  private func append(
    _ order: Order, _ action: String, by actor: String, source: String?, at now: Instant,
    _ fields: [AuditField], in transaction: any Transaction
  ) throws {
    try log.append(
      AuditRecord(
        id: identifiers.next(), organizationID: order.organizationID, at: now, actor: actor,
        action: action, target: "order:\(order.id)", source: source, fields: fields),
      in: transaction)
  }

  private func append(
    _ product: Product, _ action: String, by actor: String, source: String?, at now: Instant,
    _ fields: [AuditField], in transaction: any Transaction
  ) throws {
    try log.append(
      AuditRecord(
        id: identifiers.next(), organizationID: product.organizationID, at: now, actor: actor,
        action: action, target: "product:\(product.id)", source: source, fields: fields),
      in: transaction)
  }
}
