internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopAPI
internal import ShopDomain
internal import ShopStorage

/// Orders of the active organization (SHOP-4, SHOP-5, SHOP-6).
struct OrderHandler: OrderService {
  let database: any Database
  let catalogue: Catalogue
  let clock: any WallClock
  let identifiers: IdentifierGenerator
  let operations: OperationStore
  let audit: ShopAudit
  let payments: OrderPayments

  func placeOrder(
    _ request: PlaceOrderRequest, context: ServerContext
  ) async throws -> PlaceOrderResponse {
    let caller = try Caller(context)
    var checks = FieldChecks()
    checks.count(request.lines.count, "lines", 1...Quote.lineLimit)
    let currencyCode = checks.currency(request.currencyCode, "currency_code")
    let party = checks.party(request.recipient, "recipient")
    let terms = checks.text(request.acceptedTermsVersion, "accepted_terms_version", 1...32)
    let (currency, recipient) = try checks.values(currencyCode, party)
    let operation = try operations.operation(
      scope: caller.scope, method: context.method, requestID: request.requestID, request: request)

    let now = clock.now()
    let order: @Sendable () throws -> ShopDomain.Order = {
      [catalogue, clock, identifiers] () throws in
      try ShopDomain.Order.placed(
        id: identifiers.next(), organizationID: caller.organizationID, orderedBy: caller.userID,
        quote: try catalogue.quote(
          request.lines.map(\.requested), in: currency, on: clock.localDate(now)),
        productIDs: request.lines.map { _ in identifiers.next() }, recipient: recipient,
        acceptedTermsVersion: terms, currentTermsVersion: catalogue.termsVersion, at: now)
    }
    return try await answering {
      if request.validateOnly {
        var message = try order().message(at: now)
        message.orderID = ""
        return PlaceOrderResponse(order: message)
      }
      return try await operations.run(operation) { [audit] transaction in
        let order = try order()
        try OrderTable.insert(order, in: transaction)
        try audit.placed(order, source: context.clientAddress, in: transaction)
        return PlaceOrderResponse(order: order.message(at: now))
      }
    }
  }

  func getOrder(
    _ request: GetOrderRequest, context: ServerContext
  ) async throws -> GetOrderResponse {
    let caller = try Caller(context)
    let id = try orderID(request.orderID)
    let order = try await answering {
      try await database.read { transaction in
        guard let order = try OrderTable.order(id, of: caller.organizationID, in: transaction)
        else { throw ShopError.orderNotFound(id) }
        return order
      }
    }
    return GetOrderResponse(order: order.message(at: clock.now()))
  }

  func listOrders(
    _ request: ListOrdersRequest, context: ServerContext
  ) async throws -> ListOrdersResponse {
    let caller = try Caller(context)
    var checks = FieldChecks()
    let state = checks.state(request.state, "state")
    let page = Page(
      size: request.pageSize, token: request.pageToken, filter: [state?.rawValue ?? ""],
      keyCount: 2, &checks)
    let after = page.key(&checks) { key -> OrderTable.Key? in
      guard let microseconds = Int64(key[0]), let id = OrderID(key[1]) else { return nil }
      return OrderTable.Key(createdAt: Instant(microseconds: microseconds), id: id)
    }
    try checks.finish()
    let now = clock.now()
    let orders = try await database.read { transaction in
      try OrderTable.orders(
        of: caller.organizationID, in: state, at: now, after: after, limit: page.limit + 1,
        in: transaction)
    }
    let (shown, token) = page.cut(orders) { [String($0.createdAt.microseconds), $0.id.text] }
    return ListOrdersResponse(orders: shown.map { $0.message(at: now) }, nextPageToken: token)
  }

  func cancelOrder(
    _ request: CancelOrderRequest, context: ServerContext
  ) async throws -> CancelOrderResponse {
    let caller = try Caller(context)
    let id = try orderID(request.orderID)
    let operation = try operations.operation(
      scope: caller.scope, method: context.method, requestID: request.requestID, request: request)
    let now = clock.now()
    return try await answering {
      try await operations.run(operation) { [audit] transaction in
        guard let order = try OrderTable.order(id, of: caller.organizationID, in: transaction)
        else { throw ShopError.orderNotFound(id) }
        let cancelled = try order.cancelled(at: now)
        try OrderTable.update(cancelled, in: transaction)
        try audit.cancelled(
          cancelled, by: caller.userID, source: context.clientAddress, at: now, in: transaction)
        return CancelOrderResponse(order: cancelled.message(at: now))
      }
    }
  }

  func payOrder(
    _ request: PayOrderRequest, context: ServerContext
  ) async throws -> PayOrderResponse {
    let caller = try Caller(context)
    var checks = FieldChecks()
    let orderID: OrderID? = checks.identifier(request.orderID, "order_id")
    if request.paymentMethod != .prepaid {
      checks.fail(
        "payment_method",
        request.paymentMethod == .unspecified
          ? "is required: PAYMENT_METHOD_PREPAID"
          : "is \(request.paymentMethod.rawValue); expected PAYMENT_METHOD_PREPAID")
    }
    let id = try checks.values(orderID)
    // Only the request id is used: the attempts answer for what is paid once (SHOP-5).
    let operation = try operations.operation(
      scope: caller.scope, method: context.method, requestID: request.requestID, request: request)
    let order = try await answering {
      try await payments.pay(
        id, by: caller, requestID: operation.requestID, context)
    }
    return PayOrderResponse(order: order.message(at: clock.now()))
  }

  private func orderID(_ text: String) throws -> OrderID {
    var checks = FieldChecks()
    let id: OrderID? = checks.identifier(text, "order_id")
    return try checks.values(id)
  }
}
