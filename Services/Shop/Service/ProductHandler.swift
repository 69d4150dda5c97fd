internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import SharedDomain
internal import ShopAPI
internal import ShopDomain
internal import ShopStorage

/// Products of the active organization, as far as the member may see them (PROD-2, ORG-4).
struct ProductHandler: ProductService {
  let database: any Database
  let clock: any WallClock

  func getProduct(
    _ request: GetProductRequest, context: ServerContext
  ) async throws -> GetProductResponse {
    let caller = try Caller(context)
    var checks = FieldChecks()
    let productID: ProductID? = checks.identifier(request.productID, "product_id")
    let id = try checks.values(productID)
    let product = try await answering {
      guard caller.membership.canSee(id) else { throw ShopError.productNotFound(id) }
      return try await database.read { transaction in
        guard
          let product = try ProductTable.product(
            id, of: caller.organizationID, in: transaction)
        else { throw ShopError.productNotFound(id) }
        return product
      }
    }
    return GetProductResponse(product: product.message(on: clock.today()))
  }

  func listProducts(
    _ request: ListProductsRequest, context: ServerContext
  ) async throws -> ListProductsResponse {
    let caller = try Caller(context)
    var checks = FieldChecks()
    let filter = ProductTable.Filter(
      category: checks.category(request.category, "category"),
      productTypeID: checks.productTypeID(request.productTypeID, "product_type_id"),
      state: checks.state(request.state, "state"),
      visible: caller.membership.role == .admin ? nil : caller.membership.productGrants)
    let page = Page(
      size: request.pageSize, token: request.pageToken,
      filter: [
        filter.category?.rawValue ?? "", filter.productTypeID?.text ?? "",
        filter.state?.rawValue ?? "",
      ], keyCount: 1, &checks)
    let after = page.key(&checks) { ProductID($0[0]) }
    try checks.finish()
    let today = clock.today()
    let products = try await database.read { transaction in
      try ProductTable.products(
        of: caller.organizationID, filter, on: today, after: after, limit: page.limit + 1,
        in: transaction)
    }
    let (shown, token) = page.cut(products) { [$0.id.text] }
    return ListProductsResponse(
      products: shown.map { $0.message(on: today) }, nextPageToken: token)
  }
}
