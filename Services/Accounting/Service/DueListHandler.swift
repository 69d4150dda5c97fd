internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// What the active organization has to pay (ACC-3).
struct DueListHandler: DueListService {
  let books: Books
  let renewals: RenewalSource
  let relay: OutboxRelay

  func listDueItems(
    _ request: ListDueItemsRequest, context: ServerContext
  ) async throws -> ListDueItemsResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let filter = checks.filter(request.dateFilter)
    let page = Page(
      size: request.pageSize, token: request.pageToken, filter: [filter.token], keyCount: 2,
      &checks)
    try checks.finish()
    let today = books.clock.today()
    let end = filter.end(today: today)
    let found = try await renewals.renewals(
      of: organizationID, endsBefore: end, options: context.callOptions())
    let (paid, invoices) = try await books.read { transaction in
      (
        try PaymentStore.paidPeriods(of: found.map(\.productID), in: transaction),
        try InvoiceStore.open(
          of: organizationID, dueBefore: end, limit: RenewalSource.maximumRenewals,
          in: transaction)
      )
    }
    return try await books.translating {
      // What was paid and not applied by the shop yet is due no more.
      var items = try found.filter { !paid.contains($0.period) }.map {
        try DueItem(renewal: $0, today: today, roundsTotals: books.settings.roundsTotals)
      }
      items += invoices.map { DueItem(invoice: $0, today: today) }
      if let after = page.after {
        items.removeAll { !after.lexicographicallyPrecedes($0.sortKey) }
      }
      items.sort { $0.sortKey.lexicographicallyPrecedes($1.sortKey) }
      let (shown, token) = page.cut(items, key: \.sortKey)
      return ListDueItemsResponse(items: shown.map(\.message), nextPageToken: token)
    }
  }

  func quoteDueItems(
    _ request: QuoteDueItemsRequest, context: ServerContext
  ) async throws -> QuoteDueItemsResponse {
    let caller = try context.caller()
    let operation = try books.operations.operation(
      scope: caller.scope, method: context.method, requestID: request.requestID, request: request)
    let items = try read(request.dueItemIDs)
    // A repetition is answered before the shop is asked: its answer may have changed since.
    if let saved = try await books.operations.answer(to: operation, as: QuoteDueItemsResponse.self)
    {
      return saved
    }
    let organizationID = caller.organizationID
    return try await books.translating {
      let chosen = try await choose(items, of: organizationID, context)
      let now = books.clock.now()
      let quote = try AccountingDomain.PaymentQuote.create(
        id: books.identifiers.next(), organizationID: organizationID, renewals: chosen,
        roundsTotals: books.settings.roundsTotals, at: now)
      return try await books.operations.run(operation) { transaction in
        guard try InvoiceStore.billingParty(of: organizationID, in: transaction) != nil else {
          throw AccountingError.recipientUnknown
        }
        let paid = try PaymentStore.paidPeriods(
          of: quote.items.map(\.productID), in: transaction)
        for item in quote.items where paid.contains(item.period) {
          let id = DueItemID.renewal(item.productID, periodStart: item.period.start)
          throw AccountingError.dueItemNotFound(id.text)
        }
        try PaymentStore.removeQuotes(
          expiredBefore: now.advanced(by: .zero - .days(1)), in: transaction)
        try PaymentStore.insert(quote, in: transaction)
        return QuoteDueItemsResponse(quote: quote.message)
      }
    }
  }

  func payDueItems(
    _ request: PayDueItemsRequest, context: ServerContext
  ) async throws -> PayDueItemsResponse {
    let caller = try context.caller()
    let operation = try books.operations.operation(
      scope: caller.scope, method: context.method, requestID: request.requestID, request: request)
    var checks = FieldChecks()
    let paymentQuoteID: PaymentQuoteID? = checks.identifier(
      request.paymentQuoteID, "payment_quote_id")
    let quoteID = try checks.values(paymentQuoteID)
    let attempt = PaymentAttempt(
      books: books, caller: caller, quoteID: quoteID, source: context.clientAddress)
    if request.validateOnly {
      try await books.read { try attempt.check(in: $0) }
      return PayDueItemsResponse()
    }
    let answer = try await books.translating {
      try await books.operations.run(operation) { try attempt.pay(in: $0) }
    }
    return try await finish(answer, of: caller)
  }

  func getPayment(
    _ request: GetPaymentRequest, context: ServerContext
  ) async throws -> GetPaymentResponse {
    let organizationID = try context.caller().organizationID
    var checks = FieldChecks()
    let paymentID: PaymentID? = checks.identifier(request.paymentID, "payment_id")
    let id = try checks.values(paymentID)
    return try await books.read { transaction in
      guard let payment = try PaymentStore.find(id, of: organizationID, in: transaction) else {
        throw AccountingError.paymentNotFound
      }
      return GetPaymentResponse(payment: payment.message)
    }
  }
}

extension DueListHandler {
  /// The chosen items: 1 to 100, each once.
  private func read(_ texts: [String]) throws -> [DueItemID] {
    var checks = FieldChecks()
    checks.count(texts.count, "due_item_ids", AccountingDomain.PaymentQuote.itemCount)
    var items: [DueItemID] = []
    var seen: Set<DueItemID> = []
    for (index, text) in texts.prefix(AccountingDomain.PaymentQuote.itemCount.upperBound)
      .enumerated()
    {
      let field = "due_item_ids[\(index)]"
      guard let item = DueItemID(text) else {
        checks.fail(field, "is not the id of a due item")
        continue
      }
      if !seen.insert(item).inserted { checks.fail(field, "is there twice: name each item once") }
      items.append(item)
    }
    try checks.finish()
    return items
  }

  /// The renewals that the ids name, in their order. Throws for an item that is not due (any more),
  /// and for an open invoice.
  private func choose(
    _ items: [DueItemID], of organizationID: OrganizationID, _ context: ServerContext
  ) async throws -> [Renewal] {
    var products: [ProductID] = []
    for item in items {
      switch item {
      case .renewal(let product, _): products.append(product)
      case .invoice(let id):
        let invoice = try await books.read { transaction in
          try InvoiceStore.find(id, of: organizationID, in: transaction)
        }
        guard invoice?.state == .open else { throw AccountingError.dueItemNotFound(item.text) }
        throw AccountingError.openInvoiceNotPayable(id)
      }
    }
    let found = try await renewals.renewals(
      of: organizationID, endsBefore: nil, products: Array(Set(products)),
      options: context.callOptions())
    let byID = Dictionary(found.map { ($0.dueItemID, $0) }) { first, _ in first }
    return try items.map { item in
      guard let renewal = byID[item] else { throw AccountingError.dueItemNotFound(item.text) }
      return renewal
    }
  }

  /// Drives the shop's part at once and answers the payment as it then stands: COMPLETE, or PAID
  /// where the shop does not answer, and the relay goes on.
  private func finish(
    _ answer: PayDueItemsResponse, of caller: Caller
  ) async throws -> PayDueItemsResponse {
    guard let id = answer.payment.flatMap({ PaymentID($0.paymentID) }) else { return answer }
    let read: @Sendable (any Transaction) throws -> AccountingDomain.Payment? = { transaction in
      try PaymentStore.find(id, of: caller.organizationID, in: transaction)
    }
    guard let payment = try await books.read(read) else { return answer }
    if payment.state == .complete { return PayDueItemsResponse(payment: payment.message) }
    do {
      try await relay.deliver(id.value)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      // Recorded and logged by the relay, which tries again.
    }
    return PayDueItemsResponse(payment: try await books.read(read)?.message ?? payment.message)
  }
}

extension FieldChecks {
  fileprivate mutating func filter(_ filter: ListDueItemsRequest.DateFilter?) -> DueFilter {
    switch filter {
    case .dueBefore(let day): date(day, "due_before").map(DueFilter.before) ?? .nextTwoMonths
    case .all(true): .all
    case .all(false), nil: .nextTwoMonths
    }
  }
}

extension DueFilter {
  /// Ties a page token to the filter.
  fileprivate var token: String {
    switch self {
    case .nextTwoMonths: "next"
    case .before(let day): day.text
    case .all: "all"
    }
  }
}
