package import SharedDomain

/// The life of a product (PROD-4).
package enum ProductState: String, Sendable, Hashable, CaseIterable {
  /// Ordered, not in service yet.
  case pending = "PENDING"
  /// In service.
  case active = "ACTIVE"
  /// Its period ended unpaid; still in service for some days.
  case grace = "GRACE"
  /// Out of service; its data is kept.
  case blocked = "BLOCKED"
  /// Over.
  case terminated = "TERMINATED"
}

/// A product that an organization has.
package struct Product: Sendable, Hashable {
  /// What was decided about the product. Whether a product in service is in GRACE, is BLOCKED or is
  /// TERMINATED for lack of payment follows from its dates, and is never stored.
  package enum Stage: String, Sendable, Hashable, CaseIterable {
    /// Ordered, not in service yet.
    case pending = "PENDING"
    /// In service for as long as its dates say.
    case inService = "IN_SERVICE"
    /// Ended by a decision.
    case terminated = "TERMINATED"
  }

  package let id: ProductID
  package let organizationID: OrganizationID
  /// The order that made it.
  package let orderID: OrderID
  package let productTypeID: ProductTypeID
  package let planID: PlanID
  package let domainName: DomainName?
  package let terms: ProductTerms
  /// The currency that it is billed in.
  package let currency: Currency
  package let stage: Stage
  /// The period that was paid last. A free product's is the one it began with; see
  /// ``currentTerm(on:)``.
  package let term: BillingTerm
  package let createdAt: Instant

  package init(
    id: ProductID, organizationID: OrganizationID, orderID: OrderID,
    productTypeID: ProductTypeID, planID: PlanID, domainName: DomainName?, terms: ProductTerms,
    currency: Currency, stage: Stage, term: BillingTerm, createdAt: Instant
  ) {
    self.id = id
    self.organizationID = organizationID
    self.orderID = orderID
    self.productTypeID = productTypeID
    self.planID = planID
    self.domainName = domainName
    self.terms = terms
    self.currency = currency
    self.stage = stage
    self.term = term
    self.createdAt = createdAt
  }

  /// The day on which grace ends and the product is blocked, unless it is renewed (PROD-4).
  package var graceEnd: CalendarDate { term.end.adding(days: terms.graceDays) }

  /// The day on which a product that was never renewed is over (PROD-4).
  package var blockedEnd: CalendarDate { graceEnd.adding(days: terms.blockedDays) }

  /// Where the product stands on a day: a function of its dates alone (PROD-4).
  package func state(on date: CalendarDate) -> ProductState {
    switch stage {
    case .pending: return .pending
    case .terminated: return .terminated
    case .inService:
      if terms.isFree || date < term.end { return .active }
      if date < graceEnd { return .grace }
      return date < blockedEnd ? .blocked : .terminated
    }
  }

  /// The period that a day belongs to: a free product renews by itself.
  package func currentTerm(on date: CalendarDate) -> BillingTerm {
    guard terms.isFree, stage == .inService else { return term }
    var current = term
    while current.end <= date {
      let next = current.renewed
      // At the calendar's last day nothing rises any more.
      guard next.end > current.end else { break }
      current = next
    }
    return current
  }
}
