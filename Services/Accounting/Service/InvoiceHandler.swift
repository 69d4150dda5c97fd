internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import RPCCore
internal import RequestValidation
internal import SharedDomain

/// Invoices of the active organization (ACC-8).
struct InvoiceHandler: InvoiceService {
  let books: Books

  func getInvoice(
    _ request: GetInvoiceRequest, context: ServerContext
  ) async throws -> GetInvoiceResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let invoiceID: InvoiceID? = checks.identifier(request.invoiceID, "invoice_id")
    let id = try checks.values(invoiceID)
    return try await books.read { transaction in
      guard let invoice = try InvoiceStore.find(id, of: organizationID, in: transaction) else {
        throw AccountingError.invoiceNotFound
      }
      return GetInvoiceResponse(invoice: invoice.message)
    }
  }

  func listInvoices(
    _ request: ListInvoicesRequest, context: ServerContext
  ) async throws -> ListInvoicesResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let state = AccountingDomain.InvoiceState(request.state)
    if state == nil, request.state != .unspecified {
      checks.fail("state", "is \(request.state.rawValue); expected OPEN, PAID or none")
    }
    let page = Page(
      size: request.pageSize, token: request.pageToken,
      filter: [String(request.state.rawValue)], keyCount: 2, &checks)
    let before: InvoiceNumber? = page.key(&checks) { key in
      guard let year = Int(key[0]), let value = Int64(key[1]) else { return nil }
      return InvoiceNumber(year: year, value: value)
    }
    try checks.finish()
    return try await books.read { transaction in
      let invoices = try InvoiceStore.list(
        of: organizationID, state: state, before: before, limit: page.limit + 1, in: transaction)
      let (shown, token) = page.cut(invoices) {
        [String($0.number.year), String($0.number.value)]
      }
      return ListInvoicesResponse(invoices: shown.map(\.message), nextPageToken: token)
    }
  }
}

extension AccountingDomain.InvoiceState {
  fileprivate init?(_ message: AccountingAPI.InvoiceState) {
    switch message {
    case .open: self = .open
    case .paid: self = .paid
    case .unspecified, .unrecognized: return nil
    }
  }
}
