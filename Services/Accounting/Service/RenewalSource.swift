internal import AccountingDomain
internal import Logging
internal import RPCCore
internal import RequestValidation
internal import SharedDomain
internal import ShopAPI

/// What can be renewed, as the shop tells it (ACC-3).
struct RenewalSource: Sendable {
  let client: RenewalServiceClient
  let logger: Logger

  /// More renewals than this in one list are refused.
  static let maximumRenewals = 10_000
  /// The most renewals of one answer of the shop.
  static let pageSize: Int32 = 500
  /// How long one call to the shop may take where the caller sets no deadline.
  static let callTimeout = Duration.seconds(10)

  /// Renewals whose period ends before a day (nil: all), or only of some products. The shop lists
  /// the soonest first.
  ///
  /// - Throws: `RPCError` UNAVAILABLE with reason `SHOP_UNAVAILABLE` where the shop does not
  ///   answer.
  func renewals(
    of organizationID: OrganizationID, endsBefore end: CalendarDate?,
    products: [ProductID] = [], options: CallOptions
  ) async throws -> [AccountingDomain.Renewal] {
    var options = options
    options.timeout = options.timeout ?? Self.callTimeout
    var renewals: [AccountingDomain.Renewal] = []
    var token = ""
    repeat {
      let request = ListRenewalsRequest(
        organizationID: organizationID.text, endsBefore: end?.message,
        productIDs: products.map(\.text), pageSize: Self.pageSize, pageToken: token)
      let page = try await list(request, options)
      for renewal in page.renewals { renewals.append(try read(renewal)) }
      guard renewals.count <= Self.maximumRenewals else {
        throw RPCError(
          .resourceExhausted, reason: "TOO_MANY_DUE_ITEMS",
          "more than \(Self.maximumRenewals) items are due: ask for those due before a day")
      }
      // A token that does not move on would keep the loop going.
      token = page.nextPageToken == token ? "" : page.nextPageToken
    } while !token.isEmpty
    return renewals
  }

  private func list(
    _ request: ListRenewalsRequest, _ options: CallOptions
  ) async throws -> ListRenewalsResponse {
    do {
      return try await client.listRenewals(request, options: options)
    } catch let error as RPCError where error.code == .unavailable {
      throw RPCError(
        .unavailable, reason: "SHOP_UNAVAILABLE",
        "what is due cannot be read now, the shop does not answer: try again in a moment")
    } catch let error as RPCError
      where error.code != .deadlineExceeded && error.code != .cancelled
    {
      logger.error("the shop refused to list renewals", metadata: ["error": "\(error)"])
      throw RPCError(.internalError, "the shop refused to list the renewals")
    }
  }

  private func read(_ message: ShopAPI.Renewal) throws -> AccountingDomain.Renewal {
    var checks = FieldChecks()
    let product: ProductID? = checks.identifier(message.productID, "product_id")
    let start = checks.date(message.periodStart, "period_start")
    let end = checks.date(message.periodEnd, "period_end")
    let price = checks.money(message.price, "price", positive: false)
    guard checks.isClean, let product, let start, let end, let price, start < end,
      !price.isNegative, let period = BillingPeriod(months: Int(message.months)),
      let taxClass = SharedDomain.TaxClass(message.taxClass)
    else {
      logger.error(
        "the shop told a renewal that cannot be read", metadata: ["product": "\(message.productID)"]
      )
      throw RPCError(.internalError, "the shop told a renewal that cannot be read")
    }
    return AccountingDomain.Renewal(
      productID: product, description: message.description, periodStart: start, periodEnd: end,
      months: period.months, listPrice: price, priceIncludesTax: message.priceIncludesTax,
      taxClass: taxClass)
  }
}

extension SharedDomain.TaxClass {
  fileprivate init?(_ message: ShopAPI.TaxClass) {
    switch message {
    case .standard: self = .standard
    case .reduced: self = .reduced
    case .accommodation: self = .accommodation
    case .unspecified, .unrecognized: return nil
    }
  }
}
