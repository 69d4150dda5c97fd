internal import CommonAPI
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopAPI
internal import ShopDomain
internal import ShopStorage

/// Takes the order of a sign-up, at the prices that the customer saw (ORG-1, SHOP-4).
struct OrderIntakeHandler: OrderIntakeService {
  let catalogue: Catalogue
  let clock: any WallClock
  let identifiers: IdentifierGenerator
  let operations: OperationStore
  let audit: ShopAudit

  /// How old a quote may be for its tax rates to stand: longer than any sign-up lasts.
  private static let quoteAgeInDays = 30

  func createOrder(
    _ request: CreateOrderRequest, context: ServerContext
  ) async throws -> CreateOrderResponse {
    var checks = FieldChecks()
    let organization: OrganizationID? = checks.identifier(
      request.organizationID, "organization_id")
    let user: UserID? = checks.identifier(request.userID, "user_id")
    let party = checks.party(request.recipient, "recipient")
    let terms = checks.text(request.acceptedTermsVersion, "accepted_terms_version", 1...32)
    var total: SharedDomain.Money?
    if let shown = request.quote {
      checks.count(shown.lines.count, "quote.lines", 1...Quote.lineLimit)
      _ = checks.text(shown.catalogueVersion, "quote.catalogue_version", 1...32)
      total = checks.money(shown.totals?.total, "quote.totals.total", positive: false)
    } else {
      checks.fail("quote", "is required")
    }
    let (organizationID, userID, recipient, currency, shown) = try checks.values(
      organization, user, party, total?.currency, request.quote)
    let operation = try operations.operation(
      scope: ServiceName.identity.actor, method: context.method, requestID: request.requestID,
      request: request)

    let now = clock.now()
    let today = clock.localDate(now)
    return try await answering {
      try await operations.run(operation) { [catalogue, identifiers, audit] transaction in
        let priced = try Self.catalogue(
          shown.catalogueVersion, current: catalogue, in: transaction)
        let order = try ShopDomain.Order.placed(
          id: identifiers.next(), organizationID: organizationID, orderedBy: userID,
          quote: try Self.verified(shown, in: currency, priced, on: today),
          productIDs: shown.lines.map { _ in identifiers.next() }, recipient: recipient,
          acceptedTermsVersion: terms, currentTermsVersion: priced.termsVersion, at: now)
        try OrderTable.insert(order, in: transaction)
        try audit.placed(order, source: nil, in: transaction)
        return CreateOrderResponse(order: order.message(at: now))
      }
    }
  }

  /// The catalogue that a quote was made from: the one in force, or an older one as it was stored.
  private static func catalogue(
    _ version: String, current: Catalogue, in transaction: any Transaction
  ) throws -> Catalogue {
    if version == current.version { return current }
    guard let content = try CatalogueTable.content(of: version, in: transaction) else {
      throw ShopError.catalogueVersionUnknown(version)
    }
    return try CatalogueReader.read(content)
  }

  /// The quote priced again: what is stored is our calculation, and it must be what was shown.
  private static func verified(
    _ shown: ShopAPI.Quote, in currency: Currency, _ catalogue: Catalogue, on today: CalendarDate
  ) throws -> ShopDomain.Quote {
    let lines = shown.lines.map {
      RequestedLine(planID: $0.planID, months: Int($0.months), domainName: $0.domainName)
    }
    for date in [today, today.adding(days: -quoteAgeInDays)] {
      let quote = try catalogue.quote(lines, in: currency, on: date)
      if quote.message == shown { return quote }
    }
    throw ShopError.quoteDiffers(catalogueVersion: catalogue.version)
  }
}
