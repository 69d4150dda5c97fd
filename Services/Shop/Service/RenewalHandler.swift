internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopAPI
internal import ShopDomain
internal import ShopStorage

/// What accounting needs to renew products (ACC-3).
struct RenewalHandler: RenewalService {
  let database: any Database
  let catalogue: Catalogue
  let clock: any WallClock
  let audit: ShopAudit

  /// The most products that one call names.
  private static let productLimit = 500

  func listRenewals(
    _ request: ListRenewalsRequest, context: ServerContext
  ) async throws -> ListRenewalsResponse {
    var checks = FieldChecks()
    let organization: OrganizationID? = checks.identifier(
      request.organizationID, "organization_id")
    let endingBefore = checks.date(request.endsBefore, "ends_before", required: false)
    checks.count(request.productIDs.count, "product_ids", 0...Self.productLimit)
    var only: [ProductID] = []
    for (index, text) in request.productIDs.prefix(Self.productLimit).enumerated() {
      if let id: ProductID = checks.identifier(text, "product_ids[\(index)]") { only.append(id) }
    }
    let page = Page(
      size: request.pageSize == 0 ? Int32(Self.productLimit) : request.pageSize,
      token: request.pageToken,
      filter: [request.organizationID, endingBefore?.text ?? ""], maximum: Self.productLimit,
      keyCount: 2, &checks)
    let after = page.key(&checks) { key -> ProductTable.RenewalKey? in
      guard let end = CalendarDate(key[0]), let id = ProductID(key[1]) else { return nil }
      return ProductTable.RenewalKey(periodEnd: end, id: id)
    }
    let organizationID = try checks.values(organization)
    let today = clock.today()
    let ids = request.productIDs.isEmpty ? nil : only
    let products = try await database.read { transaction in
      try ProductTable.renewable(
        of: organizationID, endingBefore: endingBefore, only: ids, on: today, after: after,
        limit: page.limit + 1, in: transaction)
    }
    let (shown, token) = page.cut(products) { [$0.term.end.text, $0.id.text] }
    return ListRenewalsResponse(
      renewals: shown.compactMap { catalogue.renewal(of: $0, on: today)?.message },
      nextPageToken: token)
  }

  func applyRenewals(
    _ request: ApplyRenewalsRequest, context: ServerContext
  ) async throws -> ApplyRenewalsResponse {
    var checks = FieldChecks()
    let payment: PaymentID? = checks.identifier(request.paymentID, "payment_id")
    let organization: OrganizationID? = checks.identifier(
      request.organizationID, "organization_id")
    checks.count(request.renewals.count, "renewals", 1...Self.productLimit)
    let renewals = Self.renewals(request.renewals.prefix(Self.productLimit), &checks)
    let (paymentID, organizationID) = try checks.values(payment, organization)
    let now = clock.now()
    let today = clock.localDate(now)
    return try await answering {
      try await database.write { transaction in
        var products: [ShopAPI.Product] = []
        for (productID, renewal) in renewals {
          guard
            let product = try ProductTable.product(
              productID, of: organizationID, in: transaction)
          else { throw ShopError.productNotFound(productID) }
          let renewed = try apply(
            renewal, to: product, by: paymentID, at: now, in: transaction)
          products.append(renewed.message(on: today))
        }
        return ApplyRenewalsResponse(products: products)
      }
    }
  }

  /// Extends one product, unless the same payment did so before.
  private func apply(
    _ renewal: ProductTable.AppliedRenewal, to product: ShopDomain.Product,
    by paymentID: PaymentID, at now: Instant, in transaction: any Transaction
  ) throws -> ShopDomain.Product {
    if let applied = try ProductTable.renewal(product.id, by: paymentID, in: transaction) {
      guard applied == renewal else { throw ShopError.renewalDiffers(product.id, paymentID) }
      return product
    }
    // The period that it has stands, whatever the catalogue has become; another must be on offer.
    if renewal.period != product.term.period,
      catalogue.plan(product.planID)?.price(product.currency, renewal.period) == nil
    {
      throw ShopError.renewalPeriodNotOffered(product.id, months: renewal.period.months)
    }
    let renewed = try product.renewed(from: renewal.periodStart, renewal.period)
    try ProductTable.insert(renewal, of: product.id, by: paymentID, at: now, in: transaction)
    try ProductTable.update(renewed, in: transaction)
    try audit.renewed(renewed, from: product, by: paymentID, at: now, in: transaction)
    return renewed
  }

  private static func renewals(
    _ messages: some Sequence<PaidRenewal>, _ checks: inout FieldChecks
  ) -> [(ProductID, ProductTable.AppliedRenewal)] {
    var renewals: [(ProductID, ProductTable.AppliedRenewal)] = []
    var seen: Set<ProductID> = []
    for (index, message) in messages.enumerated() {
      let field = "renewals[\(index)]"
      let id: ProductID? = checks.identifier(message.productID, "\(field).product_id")
      if let id, !seen.insert(id).inserted {
        checks.fail("\(field).product_id", "is there twice")
      }
      let start = checks.date(message.periodStart, "\(field).period_start")
      let period = BillingPeriod(months: Int(message.months))
      if period == nil {
        checks.fail("\(field).months", "is \(message.months); expected 1 to 120")
      }
      if let id, let start, let period {
        renewals.append((id, ProductTable.AppliedRenewal(periodStart: start, period: period)))
      }
    }
    return renewals
  }
}
