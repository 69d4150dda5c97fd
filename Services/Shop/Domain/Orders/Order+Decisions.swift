package import SharedDomain

/// What paying an order comes to.
package enum PaymentDecision: Sendable, Hashable {
  /// Accounting has to be asked for the money; the order is PAYING meanwhile.
  case charge(Order)
  /// Nothing is to be charged: the order is paid, with these products (SHOP-4).
  case complete(Order, [Product])
  /// A payment is under way already, and this request waits for its outcome.
  case join(Order)
}

/// What an answer of accounting comes to.
package enum ChargeDecision: Sendable, Hashable {
  /// The order is paid and these products are made.
  case complete(Order, [Product])
  /// The order is pending again.
  case release(Order)
  /// The answer was acted on before.
  case nothing
}

extension Order {
  /// A new order (SHOP-4, SHOP-6).
  ///
  /// - Throws: `termsOutdated`.
  package static func placed(
    id: OrderID, organizationID: OrganizationID, orderedBy: UserID, quote: Quote,
    productIDs: [ProductID], recipient: Party, acceptedTermsVersion: String,
    currentTermsVersion: String, at now: Instant
  ) throws(ShopError) -> Order {
    guard acceptedTermsVersion == currentTermsVersion else {
      throw .termsOutdated(accepted: acceptedTermsVersion, current: currentTermsVersion)
    }
    return Order(
      id: id, organizationID: organizationID, orderedBy: orderedBy, quote: quote,
      productIDs: productIDs, recipient: recipient, acceptedTermsVersion: acceptedTermsVersion,
      createdAt: now, expiresAt: now.advanced(by: timeToPay), progress: .pending)
  }

  /// The order cancelled.
  ///
  /// - Throws: `orderBeingPaid`, since money may have been taken already; `orderNotPending`.
  package func cancelled(at now: Instant) throws(ShopError) -> Order {
    switch state(at: now) {
    case .pending: return moved(to: .cancelled)
    case .paying: throw .orderBeingPaid(id)
    case .paid, .cancelled, .lapsed: throw .orderNotPending(id, state(at: now))
    }
  }

  /// Begins to pay the order.
  ///
  /// - Throws: `orderNotPending`.
  package func payment(_ attempt: PaymentAttempt) throws(ShopError) -> PaymentDecision {
    switch state(at: attempt.startedAt) {
    case .pending:
      guard quote.totals.total.isZero else { return .charge(moved(to: .paying(attempt))) }
      let payment = OrderPayment(paidAt: attempt.startedAt, invoiceID: nil)
      return .complete(
        moved(to: .paid(payment)),
        products(supplyStart: attempt.supplyStart, madeAt: attempt.startedAt))
    case .paying: return .join(self)
    case .paid, .cancelled, .lapsed:
      throw .orderNotPending(id, state(at: attempt.startedAt))
    }
  }

  /// Accounting has taken the money for an attempt.
  ///
  /// A pending order is completed as well: when an earlier answer to the same attempt was a
  /// refusal, the money is taken all the same.
  /// - Throws: `orderNotPending` for a cancelled order.
  package func charged(
    _ attempt: PaymentAttempt, invoiceID: InvoiceID, paidAt: Instant, at now: Instant
  ) throws(ShopError) -> ChargeDecision {
    switch progress {
    case .paying, .pending:
      let payment = OrderPayment(paidAt: paidAt, invoiceID: invoiceID)
      return .complete(
        moved(to: .paid(payment)), products(supplyStart: attempt.supplyStart, madeAt: now))
    case .paid: return .nothing
    case .cancelled: throw .orderNotPending(id, .cancelled)
    }
  }

  /// Accounting has refused an attempt, and nothing was taken.
  package func refused(_ attempt: PaymentAttempt) -> ChargeDecision {
    guard case .paying(let current) = progress, current.id == attempt.id else { return .nothing }
    return .release(moved(to: .pending))
  }

  /// The products of a paid order, one for each line (SHOP-5).
  private func products(supplyStart: CalendarDate, madeAt: Instant) -> [Product] {
    zip(quote.lines, productIDs).map { line, productID in
      Product(
        id: productID, organizationID: organizationID, orderID: id,
        productTypeID: line.productTypeID, planID: line.planID, domainName: line.domainName,
        terms: line.terms, currency: quote.currency, stage: .inService,
        term: BillingTerm(startingOn: supplyStart, period: line.period), createdAt: madeAt)
    }
  }
}
