internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import RPCCore
internal import RequestValidation
internal import ServiceStorage
internal import SharedDomain

/// Putting money on the prepaid account (ACC-2).
struct TopUpHandler: TopUpService {
  let books: Books

  func listTopUpMethods(
    _ request: ListTopUpMethodsRequest, context: ServerContext
  ) async throws -> ListTopUpMethodsResponse {
    _ = try context.caller()
    var checks = FieldChecks()
    let currencyCode = checks.currency(request.currencyCode, "currency_code")
    let currency = try checks.values(currencyCode)
    let open = AccountingDomain.TopUpMethod.allCases.filter {
      books.settings.provider(for: $0) != nil
    }
    return ListTopUpMethodsResponse(
      methods: open.map { method in
        let limits = AccountingDomain.TopUpLimits(of: method, currency: currency)
        return AccountingAPI.TopUpLimits(
          method: method.message, minimum: limits.minimum.message,
          maximum: limits.maximum.message)
      })
  }

  func createTopUp(
    _ request: CreateTopUpRequest, context: ServerContext
  ) async throws -> CreateTopUpResponse {
    let caller = try context.caller()
    let operation = try books.operations.operation(
      scope: caller.scope, method: context.method, requestID: request.requestID,
      request: request)
    var checks = FieldChecks()
    let wanted = checks.money(request.amount, "amount", positive: false)
    let known = AccountingDomain.TopUpMethod(request.method)
    if known == nil { checks.fail("method", "is none of the top-up methods; expected CARD") }
    let (amount, method) = try checks.values(wanted, known)
    return try await books.translating {
      guard let provider = books.settings.provider(for: method) else {
        throw AccountingError.topUpMethodUnavailable(method)
      }
      let now = books.clock.now()
      let topUp = try AccountingDomain.TopUp.create(
        id: books.identifiers.next(), organizationID: caller.organizationID,
        userID: caller.userID, amount: amount, method: method, provider: provider, at: now
      ).submitted()
      return try await books.operations.run(operation) { transaction in
        try TopUpStore.insert(topUp, in: transaction)
        try books.record(
          .topUpCreated, of: caller.organizationID, by: caller.actor,
          target: "top_up:\(topUp.id.text)", at: now, source: context.clientAddress,
          fields: [.plain("amount", after: amount.description)], in: transaction)
        return CreateTopUpResponse(topUp: topUp.message(at: now))
      }
    }
  }

  func getTopUp(
    _ request: GetTopUpRequest, context: ServerContext
  ) async throws -> GetTopUpResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let topUpID: TopUpID? = checks.identifier(request.topUpID, "top_up_id")
    let id = try checks.values(topUpID)
    let now = books.clock.now()
    return try await books.read { transaction in
      guard let topUp = try TopUpStore.find(id, of: organizationID, in: transaction) else {
        throw AccountingError.topUpNotFound
      }
      return GetTopUpResponse(topUp: topUp.message(at: now))
    }
  }

  func listTopUps(
    _ request: ListTopUpsRequest, context: ServerContext
  ) async throws -> ListTopUpsResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let page = Page(
      size: request.pageSize, token: request.pageToken, filter: [], keyCount: 1, &checks)
    let before = page.key(&checks) { TopUpID($0[0]) }
    try checks.finish()
    let now = books.clock.now()
    return try await books.read { transaction in
      let topUps = try TopUpStore.list(
        of: organizationID, before: before, limit: page.limit + 1, in: transaction)
      let (shown, token) = page.cut(topUps) { [$0.id.text] }
      return ListTopUpsResponse(
        topUps: shown.map { $0.message(at: now) }, nextPageToken: token)
    }
  }
}
