internal import RPCCore
internal import RequestValidation
internal import SharedDomain
internal import ShopAPI
internal import ShopDomain

/// The public price list (PROD-1): answers from the catalogue that was loaded at the start.
struct CatalogueHandler: CatalogueService {
  let catalogue: Catalogue
  let clock: any WallClock

  func getCatalogue(
    _ request: GetCatalogueRequest, context: ServerContext
  ) async throws -> GetCatalogueResponse {
    GetCatalogueResponse(
      version: catalogue.version, currencyCodes: catalogue.currencies.map(\.code),
      pricesIncludeTax: catalogue.pricesIncludeTax, termsVersion: catalogue.termsVersion)
  }

  func listProductTypes(
    _ request: ListProductTypesRequest, context: ServerContext
  ) async throws -> ListProductTypesResponse {
    var checks = FieldChecks()
    let category = checks.category(request.category, "category")
    let all = catalogue.productTypes.filter { category == nil || $0.category == category }
    let page = CataloguePage(
      all.map(\.id.text), size: request.pageSize, token: request.pageToken,
      filter: [catalogue.version, category?.rawValue ?? ""], &checks)
    try checks.finish()
    return ListProductTypesResponse(
      productTypes: all[page.range].map { type in
        ShopAPI.ProductType(
          productTypeID: type.id.text, displayName: type.name, category: type.category.message,
          taxClass: type.taxClass.message,
          cancellationNeedsConfirmation: type.cancellationNeedsConfirmation,
          domainNameRequired: type.domainNameRequired)
      },
      nextPageToken: page.nextToken)
  }

  func listPlans(
    _ request: ListPlansRequest, context: ServerContext
  ) async throws -> ListPlansResponse {
    var checks = FieldChecks()
    let typeID = checks.productTypeID(request.productTypeID, "product_type_id")
    if let typeID, catalogue.productType(typeID) == nil {
      checks.fail("product_type_id", "is \(typeID); the catalogue has no such product type")
    }
    let currency =
      request.currencyCode.isEmpty ? nil : checks.currency(request.currencyCode, "currency_code")
    if let currency, !catalogue.currencies.contains(currency) {
      checks.fail("currency_code", "is \(currency.code), which the catalogue has no prices in")
    }
    let all = catalogue.plans.filter {
      $0.isOffered && (typeID == nil || $0.productTypeID == typeID)
    }
    let page = CataloguePage(
      all.map(\.id.text), size: request.pageSize, token: request.pageToken,
      filter: [catalogue.version, typeID?.text ?? "", currency?.code ?? ""], &checks)
    try checks.finish()
    return ListPlansResponse(
      plans: all[page.range].map { plan in
        ShopAPI.Plan(
          planID: plan.id.text, productTypeID: plan.productTypeID.text, displayName: plan.name,
          prices: plan.prices.filter { currency == nil || $0.amount.currency == currency }
            .map { price in
              ShopAPI.Price(
                months: Int32(truncatingIfNeeded: price.period.months),
                amount: price.amount.message)
            })
      },
      nextPageToken: page.nextToken)
  }

  func quoteOrder(
    _ request: QuoteOrderRequest, context: ServerContext
  ) async throws -> QuoteOrderResponse {
    var checks = FieldChecks()
    checks.count(request.lines.count, "lines", 1...Quote.lineLimit)
    let currencyCode = checks.currency(request.currencyCode, "currency_code")
    let currency = try checks.values(currencyCode)
    return try answering {
      QuoteOrderResponse(
        quote: try catalogue.quote(
          request.lines.map(\.requested), in: currency, on: clock.today()
        ).message)
    }
  }
}

/// A page of a list that is in memory, in the catalogue's order.
private struct CataloguePage {
  /// The entries of the page.
  let range: Range<Int>
  /// The token of the next page; empty on the last.
  let nextToken: String

  /// - Parameters:
  ///   - ids: the whole list's ids, which are the sort keys.
  ///   - filter: what selects the list; with the catalogue's version, since a token is no good for
  ///     another version.
  init(
    _ ids: [String], size: Int32, token: String, filter: [String], _ checks: inout FieldChecks
  ) {
    let page = Page(size: size, token: token, filter: filter, keyCount: 1, &checks)
    let last = page.key(&checks) { ids.firstIndex(of: $0[0]) }
    let start = last.map { $0 + 1 } ?? 0
    let end = min(ids.count, start + page.limit)
    range = start..<end
    nextToken = end < ids.count && end > start ? page.nextToken(after: [ids[end - 1]]) : ""
  }
}
