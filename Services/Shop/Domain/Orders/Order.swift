package import SharedDomain

/// The life of an order (SHOP-4).
package enum OrderState: String, Sendable, Hashable, CaseIterable {
  /// Waits for payment.
  case pending = "PENDING"
  /// A payment is under way; its outcome is not known yet.
  case paying = "PAYING"
  /// Paid; its products exist.
  case paid = "PAID"
  /// Cancelled before it was paid.
  case cancelled = "CANCELLED"
  /// Not paid in time. Never stored: a pending order past its expiry reads so.
  case lapsed = "LAPSED"
}

/// An order: a quote that was accepted, and how far its payment is.
package struct Order: Sendable, Hashable {
  /// How far the order is.
  package enum Progress: Sendable, Hashable {
    case pending
    case paying(PaymentAttempt)
    case paid(OrderPayment)
    case cancelled
  }

  package let id: OrderID
  package let organizationID: OrganizationID
  package let orderedBy: UserID
  /// Fixed when the order was placed (SHOP-4).
  package let quote: Quote
  /// The ids that its products get when it is paid, one for each line: chosen when it is placed, so
  /// that every try to pay makes the same products (SHOP-5).
  package let productIDs: [ProductID]
  /// Whom the invoice is made out to.
  package let recipient: Party
  package let acceptedTermsVersion: String
  package let createdAt: Instant
  package let expiresAt: Instant
  package let progress: Progress

  /// How long an order waits for its payment.
  package static let timeToPay = Duration.days(30)

  /// An order as it is stored.
  package init(
    id: OrderID, organizationID: OrganizationID, orderedBy: UserID, quote: Quote,
    productIDs: [ProductID], recipient: Party, acceptedTermsVersion: String, createdAt: Instant,
    expiresAt: Instant, progress: Progress
  ) {
    precondition(productIDs.count == quote.lines.count, "one product for each line")
    self.id = id
    self.organizationID = organizationID
    self.orderedBy = orderedBy
    self.quote = quote
    self.productIDs = productIDs
    self.recipient = recipient
    self.acceptedTermsVersion = acceptedTermsVersion
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.progress = progress
  }

  /// Where the order stands at a moment.
  package func state(at now: Instant) -> OrderState {
    switch progress {
    case .pending: now < expiresAt ? .pending : .lapsed
    case .paying: .paying
    case .paid: .paid
    case .cancelled: .cancelled
    }
  }

  /// The same order, elsewhere in its life.
  func moved(to progress: Progress) -> Order {
    Order(
      id: id, organizationID: organizationID, orderedBy: orderedBy, quote: quote,
      productIDs: productIDs, recipient: recipient, acceptedTermsVersion: acceptedTermsVersion,
      createdAt: createdAt, expiresAt: expiresAt, progress: progress)
  }
}

/// One try to pay an order. It fixes everything that accounting is told, so that a repeated charge
/// is the same charge.
package struct PaymentAttempt: Sendable, Hashable {
  package let id: UniqueID
  /// Who pays.
  package let userID: UserID
  package let startedAt: Instant
  /// The first day of the products' first period.
  package let supplyStart: CalendarDate

  package init(id: UniqueID, userID: UserID, startedAt: Instant, supplyStart: CalendarDate) {
    self.id = id
    self.userID = userID
    self.startedAt = startedAt
    self.supplyStart = supplyStart
  }
}

/// The payment of an order.
package struct OrderPayment: Sendable, Hashable {
  package let paidAt: Instant
  /// Nil where the total was zero: nothing was charged (SHOP-4).
  package let invoiceID: InvoiceID?

  package init(paidAt: Instant, invoiceID: InvoiceID?) {
    self.paidAt = paidAt
    self.invoiceID = invoiceID
  }
}
