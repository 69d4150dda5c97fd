package import SQLCore
internal import ServiceStorage
package import SharedDomain
package import ShopDomain

/// Products and the renewals that were applied to them.
package enum ProductTable {
  /// Stores a new product. Its id is its key: it cannot be made twice (SHOP-5).
  package static func insert(
    _ product: Product, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      INSERT INTO product (product_id, organization_id, order_id, product_type_id, plan_id,
        domain_name, category, display_name, grace_days, blocked_days, is_free, currency, stage,
        anchor, months_elapsed, months, period_end, grace_end, blocked_end, created_at_us)
      VALUES (\(product.id), \(product.organizationID), \(product.orderID),
        \(product.productTypeID), \(product.planID), \(product.domainName),
        \(product.terms.category), \(product.terms.displayName), \(product.terms.graceDays),
        \(product.terms.blockedDays), \(product.terms.isFree), \(product.currency),
        \(product.stage), \(product.term.anchor), \(product.term.monthsElapsed),
        \(product.term.period), \(product.term.end), \(product.graceEnd), \(product.blockedEnd),
        \(product.createdAt))
      """)
  }

  /// Stores a product's stage and term, and the dates that follow from them.
  package static func update(
    _ product: Product, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      UPDATE product
      SET stage = \(product.stage), anchor = \(product.term.anchor),
        months_elapsed = \(product.term.monthsElapsed), months = \(product.term.period),
        period_end = \(product.term.end), grace_end = \(product.graceEnd),
        blocked_end = \(product.blockedEnd)
      WHERE product_id = \(product.id)
      """)
  }

  /// The product of an organization, or nil.
  package static func product(
    _ id: ProductID, of organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> Product? {
    try products(
      "product_id = \(id) AND organization_id = \(organizationID)", in: transaction
    ).first
  }

  /// Which products a list holds. Nil is: all.
  package struct Filter: Sendable, Hashable {
    package var category: Category?
    package var productTypeID: ProductTypeID?
    package var state: ProductState?
    /// Only these: what a member may see (PROD-2).
    package var visible: Set<ProductID>?

    package init(
      category: Category? = nil, productTypeID: ProductTypeID? = nil, state: ProductState? = nil,
      visible: Set<ProductID>? = nil
    ) {
      self.category = category
      self.productTypeID = productTypeID
      self.state = state
      self.visible = visible
    }
  }

  /// Products of an organization, oldest first, at most `limit`, those after `after` only.
  package static func products(
    of organizationID: OrganizationID, _ filter: Filter, on today: CalendarDate,
    after: ProductID?, limit: Int, in transaction: any Transaction
  ) throws(SQLError) -> [Product] {
    var condition: SQL = "organization_id = \(organizationID)"
    if let category = filter.category { condition.append(" AND category = \(category)") }
    if let type = filter.productTypeID { condition.append(" AND product_type_id = \(type)") }
    if let state = filter.state { condition.append(" AND (\(isIn(state, on: today)))") }
    if let visible = filter.visible {
      condition.append(" AND product_id IN (\(list: visible.sorted()))")
    }
    if let after { condition.append(" AND product_id > \(after)") }
    condition.append(" ORDER BY product_id LIMIT \(limit)")
    return try products(condition, in: transaction)
  }

  /// The condition that ``Product/state(on:)`` answers `state`: the same decision in SQL.
  private static func isIn(_ state: ProductState, on today: CalendarDate) -> SQL {
    switch state {
    case .pending: "stage = 'PENDING'"
    case .active: "stage = 'IN_SERVICE' AND (is_free = 1 OR period_end > \(today))"
    case .grace:
      """
      stage = 'IN_SERVICE' AND is_free = 0 AND period_end <= \(today) AND grace_end > \(today)
      """
    case .blocked:
      """
      stage = 'IN_SERVICE' AND is_free = 0 AND grace_end <= \(today) AND blocked_end > \(today)
      """
    case .terminated:
      """
      stage = 'TERMINATED' OR (stage = 'IN_SERVICE' AND is_free = 0 AND blocked_end <= \(today))
      """
    }
  }

  /// The sort key of a list of renewals.
  package struct RenewalKey: Sendable, Hashable {
    package let periodEnd: CalendarDate
    package let id: ProductID

    package init(periodEnd: CalendarDate, id: ProductID) {
      self.periodEnd = periodEnd
      self.id = id
    }
  }

  /// Products of an organization that a next period can be paid for, soonest end first: in
  /// service, not free, not over on `today`.
  package static func renewable(
    of organizationID: OrganizationID, endingBefore: CalendarDate?, only ids: [ProductID]?,
    on today: CalendarDate, after: RenewalKey?, limit: Int, in transaction: any Transaction
  ) throws(SQLError) -> [Product] {
    var condition: SQL = """
      organization_id = \(organizationID) AND stage = 'IN_SERVICE' AND is_free = 0
        AND blocked_end > \(today)
      """
    if let endingBefore { condition.append(" AND period_end < \(endingBefore)") }
    if let ids { condition.append(" AND product_id IN (\(list: ids))") }
    if let after {
      condition.append(
        " AND (period_end, product_id) > (\(after.periodEnd), \(after.id))")
    }
    condition.append(" ORDER BY period_end, product_id LIMIT \(limit)")
    return try products(condition, in: transaction)
  }

  /// A plan, currency and period that products in service renew at.
  package struct RenewalTerms: Sendable, Hashable {
    package let planID: PlanID
    package let currency: Currency
    package let period: BillingPeriod
    /// How many products.
    package let count: Int
  }

  /// What products that are not over on `today` renew at.
  package static func renewalTerms(
    on today: CalendarDate, in transaction: any Transaction
  ) throws(SQLError) -> [RenewalTerms] {
    var found: [RenewalTerms] = []
    for row in try transaction.rows(
      """
      SELECT plan_id, currency, months, count(*) AS products FROM product
      WHERE stage <> 'TERMINATED' AND is_free = 0 AND blocked_end > \(today)
      GROUP BY plan_id, currency, months ORDER BY plan_id, currency, months
      """)
    {
      found.append(
        RenewalTerms(
          planID: try row.read("plan_id"), currency: try row.read("currency"),
          period: try row.read("months"), count: try row.int("products")))
    }
    return found
  }

  /// A period that was paid for a product.
  package struct AppliedRenewal: Sendable, Hashable {
    package let periodStart: CalendarDate
    package let period: BillingPeriod

    package init(periodStart: CalendarDate, period: BillingPeriod) {
      self.periodStart = periodStart
      self.period = period
    }
  }

  /// What a payment did to a product before, or nil.
  package static func renewal(
    _ productID: ProductID, by paymentID: PaymentID, in transaction: any Transaction
  ) throws(SQLError) -> AppliedRenewal? {
    guard
      let row = try transaction.first(
        """
        SELECT period_start, months FROM product_renewal
        WHERE payment_id = \(paymentID) AND product_id = \(productID)
        """)
    else { return nil }
    return AppliedRenewal(periodStart: try row.read("period_start"), period: try row.read("months"))
  }

  /// Notes what a payment does to a product.
  package static func insert(
    _ renewal: AppliedRenewal, of productID: ProductID, by paymentID: PaymentID, at now: Instant,
    in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      INSERT INTO product_renewal (payment_id, product_id, period_start, months, applied_at_us)
      VALUES (\(paymentID), \(productID), \(renewal.periodStart), \(renewal.period), \(now))
      """)
  }

  private static func products(
    _ condition: SQL, in transaction: any Transaction
  ) throws(SQLError) -> [Product] {
    var products: [Product] = []
    for row in try transaction.rows(
      """
      SELECT product_id, organization_id, order_id, product_type_id, plan_id, domain_name,
        category, display_name, grace_days, blocked_days, is_free, currency, stage, anchor,
        months_elapsed, months, created_at_us
      FROM product WHERE \(condition)
      """)
    {
      products.append(
        Product(
          id: try row.read("product_id"), organizationID: try row.read("organization_id"),
          orderID: try row.read("order_id"), productTypeID: try row.read("product_type_id"),
          planID: try row.read("plan_id"), domainName: try row.readOptional("domain_name"),
          terms: try row.productTerms(), currency: try row.read("currency"),
          stage: try row.read("stage"),
          term: BillingTerm(
            anchor: try row.read("anchor"), monthsElapsed: try row.int("months_elapsed"),
            period: try row.read("months")),
          createdAt: try row.instant("created_at_us")))
    }
    return products
  }
}
