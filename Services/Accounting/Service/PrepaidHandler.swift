internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import RPCCore
internal import RequestValidation
internal import SharedDomain

/// The prepaid account of the active organization (ACC-2).
struct PrepaidHandler: PrepaidService {
  let books: Books

  func getPrepaidAccount(
    _ request: GetPrepaidAccountRequest, context: ServerContext
  ) async throws -> GetPrepaidAccountResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let currencyCode = checks.currency(request.currencyCode, "currency_code")
    let currency = try checks.values(currencyCode)
    return try await books.read { transaction in
      let balance = try LedgerStore.balance(organizationID, currency, in: transaction)
      return GetPrepaidAccountResponse(
        account: PrepaidAccount(
          balance: try balance.total().message, deposited: balance.deposited.message,
          granted: balance.granted.message))
    }
  }

  func listPrepaidMovements(
    _ request: ListPrepaidMovementsRequest, context: ServerContext
  ) async throws -> ListPrepaidMovementsResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let currencyCode = checks.currency(request.currencyCode, "currency_code")
    let page = Page(
      size: request.pageSize, token: request.pageToken, filter: [request.currencyCode],
      keyCount: 1, &checks)
    let after = page.key(&checks) { Int64($0[0]) }
    let currency = try checks.values(currencyCode)
    return try await books.read { transaction in
      let movements = try LedgerStore.movements(
        organizationID, currency, after: after, limit: page.limit + 1, in: transaction)
      let (shown, token) = page.cut(movements) { [String($0.position)] }
      return ListPrepaidMovementsResponse(
        movements: shown.map(\.message), nextPageToken: token)
    }
  }
}
