import AccountingAPI
import AccountingService
import Authentication
import CommonAPI
import RPCCore
import RPCInProcess
import SharedDomain
import TestSupport
import Testing

@Suite("Who may call what, and what is refused (ORG-3, ORG-4)", .onEachDriver)
struct AccessTests {
  private let anna = Member.admin(of: 1)
  private let bert = Member.admin(of: 2)

  @Test("every RPC has the policy of the table, and no other RPC exists")
  func policies() async throws {
    try await World.run { world in
      let billing = AccessPolicy.permission(.manageBilling)
      let expected: [String: AccessPolicy] = [
        "PrepaidService/GetPrepaidAccount": billing,
        "PrepaidService/ListPrepaidMovements": billing,
        "TopUpService/ListTopUpMethods": billing, "TopUpService/CreateTopUp": billing,
        "TopUpService/GetTopUp": billing, "TopUpService/ListTopUps": billing,
        "DueListService/ListDueItems": billing, "DueListService/QuoteDueItems": billing,
        "DueListService/PayDueItems": billing, "DueListService/GetPayment": billing,
        "InvoiceService/GetInvoice": billing, "InvoiceService/ListInvoices": billing,
        "ProviderEventService/DeliverProviderEvent": .public,
        "SandboxCardService/CompleteCardPayment": .public,
        "ChargeService/ChargeOrder": .internalOnly,
      ]
      let actual = Dictionary(
        uniqueKeysWithValues: world.services.accessPolicies.map {
          (String($0.key.dropFirst("/kontor.accounting.v1.".count)), $0.value)
        })
      #expect(actual == expected)
      #expect(
        AccessPolicy.missing(
          for: world.services.registrations, in: world.services.accessPolicies
        ).isEmpty)
      #expect(world.services.registrations.flatMap(\.methods).count == expected.count)
    }
  }

  /// Every RPC of a member, called as somebody.
  private static let calls: [(String, @Sendable (InProcessChannel) async throws -> Void)] = [
    (
      "GetPrepaidAccount",
      {
        _ = try await PrepaidServiceClient(channel: $0).getPrepaidAccount(
          GetPrepaidAccountRequest(currencyCode: "CHF"))
      }
    ),
    (
      "ListPrepaidMovements",
      {
        _ = try await PrepaidServiceClient(channel: $0).listPrepaidMovements(
          ListPrepaidMovementsRequest(currencyCode: "CHF"))
      }
    ),
    (
      "ListTopUpMethods",
      {
        _ = try await TopUpServiceClient(channel: $0).listTopUpMethods(
          ListTopUpMethodsRequest(currencyCode: "CHF"))
      }
    ),
    (
      "CreateTopUp",
      {
        _ = try await TopUpServiceClient(channel: $0).createTopUp(
          CreateTopUpRequest(
            requestID: "r", amount: CommonAPI.Money(currencyCode: "CHF", minorUnits: 500),
            method: .card))
      }
    ),
    (
      "ListTopUps",
      { _ = try await TopUpServiceClient(channel: $0).listTopUps(ListTopUpsRequest()) }
    ),
    (
      "ListDueItems",
      { _ = try await DueListServiceClient(channel: $0).listDueItems(ListDueItemsRequest()) }
    ),
    (
      "ListInvoices",
      { _ = try await InvoiceServiceClient(channel: $0).listInvoices(ListInvoicesRequest()) }
    ),
  ]

  @Test("a member without billing rights sees nothing, one with them may do all, nobody else")
  func roles() async throws {
    try await World.run { world in
      for (name, call) in Self.calls {
        let hidden = await failure {
          try await call(
            world.channel(.member(of: 1, role: .member, billing: false)))
        }
        #expect(hidden.code == .notFound, "\(name)")
        let anonymous = await failure { try await call(world.channel(nil)) }
        #expect(anonymous.code == .unauthenticated, "\(name)")
        try await call(world.channel(.member(of: 1, role: .member, billing: true)))
      }
      let charge = await failure {
        try await ChargeServiceClient(channel: world.channel(anna)).chargeOrder(
          ChargeOrderRequest())
      }
      #expect(charge.code == .permissionDenied)
    }
  }

  @Test("what belongs to another organization answers like what does not exist")
  func tenants() async throws {
    try await World.run { world in
      try await world.established(
        anna, renewals: [FakeShop.renewal(1, start: "2026-12-01")])
      let quote = try await world.quoteAll(anna)
      let topUp = try #require(
        try await world.topUps(anna).listTopUps(ListTopUpsRequest()).topUps.first)
      let invoice = try #require(
        try await world.invoices(anna).listInvoices(ListInvoicesRequest()).invoices.first)
      let payment = try #require(
        try await world.dueList(anna).payDueItems(
          PayDueItemsRequest(requestID: "p", paymentQuoteID: quote.paymentQuoteID)
        ).payment)
      let missing = (id(999) as InvoiceID).text
      func same(_ call: (String) async throws -> some Sendable, _ foreign: String) async {
        let answer = await failure { try await call(foreign) }
        let absent = await failure { try await call(missing) }
        #expect(answer.code == .notFound && answer.reason == absent.reason)
        #expect(answer.message == absent.message)
      }
      await same(
        { try await world.topUps(bert).getTopUp(GetTopUpRequest(topUpID: $0)) }, topUp.topUpID)
      await same(
        { try await world.invoices(bert).getInvoice(GetInvoiceRequest(invoiceID: $0)) },
        invoice.invoiceID)
      await same(
        { try await world.dueList(bert).getPayment(GetPaymentRequest(paymentID: $0)) },
        payment.paymentID)
      await same(
        {
          try await world.dueList(bert).payDueItems(
            PayDueItemsRequest(requestID: "r", paymentQuoteID: $0))
        }, quote.paymentQuoteID)
      await same(
        {
          try await world.dueList(bert).payDueItems(
            PayDueItemsRequest(requestID: "r", paymentQuoteID: $0, validateOnly: true))
        }, quote.paymentQuoteID)
      let due = await failure {
        try await world.dueList(bert).quoteDueItems(
          QuoteDueItemsRequest(
            requestID: "r", dueItemIDs: ["renewal.\((id(1) as ProductID).text).2027-12-01"]))
      }
      #expect(due.reason == "DUE_ITEM_NOT_FOUND")
      #expect(try await world.balance(bert) == 0)
      #expect(try await world.topUps(bert).listTopUps(ListTopUpsRequest()).topUps.isEmpty)
      #expect(try await world.invoices(bert).listInvoices(ListInvoicesRequest()).invoices.isEmpty)
      #expect(try await world.dueList(bert).listDueItems(ListDueItemsRequest()).items.isEmpty)
      let statement = try await world.prepaid(bert).listPrepaidMovements(
        ListPrepaidMovementsRequest(currencyCode: "CHF"))
      #expect(statement.movements.isEmpty)
    }
  }

  @Test("wrong fields are named, all of them, by every RPC")
  func badInput() async throws {
    try await World.run { world in
      let prepaid = world.prepaid(anna)
      let topUps = world.topUps(anna)
      let dueList = world.dueList(anna)
      let invoices = world.invoices(anna)
      let long = String(repeating: "x", count: 3000)
      let cases: [(Set<String>, () async throws -> any Sendable)] = [
        (
          ["currency_code"],
          { try await prepaid.getPrepaidAccount(GetPrepaidAccountRequest()) }
        ),
        (
          ["currency_code"],
          { try await prepaid.getPrepaidAccount(GetPrepaidAccountRequest(currencyCode: "chf")) }
        ),
        (
          ["currency_code", "page_size", "page_token"],
          {
            try await prepaid.listPrepaidMovements(
              ListPrepaidMovementsRequest(currencyCode: "USD", pageSize: 101, pageToken: "zz"))
          }
        ),
        (
          ["currency_code"],
          { try await topUps.listTopUpMethods(ListTopUpMethodsRequest(currencyCode: long)) }
        ),
        (
          ["amount", "method"],
          { try await topUps.createTopUp(CreateTopUpRequest(requestID: "r")) }
        ),
        (
          ["amount.currency_code", "method"],
          {
            try await topUps.createTopUp(
              CreateTopUpRequest(
                requestID: "r", amount: CommonAPI.Money(currencyCode: "XXX", minorUnits: 500),
                method: .unrecognized(7)))
          }
        ),
        (
          ["request_id"],
          { try await topUps.createTopUp(CreateTopUpRequest(requestID: "a b")) }
        ),
        (["top_up_id"], { try await topUps.getTopUp(GetTopUpRequest(topUpID: "1")) }),
        (
          ["page_size", "page_token"],
          { try await topUps.listTopUps(ListTopUpsRequest(pageSize: -1, pageToken: long)) }
        ),
        (
          ["due_before", "page_size"],
          {
            try await dueList.listDueItems(
              ListDueItemsRequest(
                dateFilter: .dueBefore(CommonAPI.Date(year: 2026, month: 2, day: 30)),
                pageSize: .max))
          }
        ),
        (
          ["due_item_ids"],
          { try await dueList.quoteDueItems(QuoteDueItemsRequest(requestID: "r")) }
        ),
        (
          ["due_item_ids[0]"],
          {
            try await dueList.quoteDueItems(
              QuoteDueItemsRequest(requestID: "r", dueItemIDs: [long]))
          }
        ),
        (
          ["due_item_ids"],
          {
            try await dueList.quoteDueItems(
              QuoteDueItemsRequest(
                requestID: "r",
                dueItemIDs: (1...101).map { "invoice.\((id(UInt64($0)) as InvoiceID).text)" }))
          }
        ),
        (
          ["payment_quote_id"],
          { try await dueList.payDueItems(PayDueItemsRequest(requestID: "r")) }
        ),
        (
          ["request_id"],
          { try await dueList.payDueItems(PayDueItemsRequest(requestID: long)) }
        ),
        (["payment_id"], { try await dueList.getPayment(GetPaymentRequest(paymentID: "é")) }),
        (["invoice_id"], { try await invoices.getInvoice(GetInvoiceRequest()) }),
        (
          ["state", "page_size"],
          {
            try await invoices.listInvoices(
              ListInvoicesRequest(state: .unrecognized(9), pageSize: -5))
          }
        ),
        (
          ["provider_reference", "amount"],
          { try await world.cards.completeCardPayment(CompleteCardPaymentRequest()) }
        ),
        (
          ["organization_id", "order_id", "user_id", "recipient", "lines", "totals"],
          { try await world.charges.chargeOrder(ChargeOrderRequest()) }
        ),
      ]
      for (fields, call) in cases {
        let error = await failure { _ = try await call() }
        #expect(error.code == .invalidArgument, "\(fields)")
        #expect(Set(error.fields.map(\.field)) == fields)
      }
    }
  }

  @Test("a wrong line of a charge is named with its place")
  func badCharge() async throws {
    try await World.run { world in
      var request = try world.chargeRequest(anna, order: 1)
      request.recipient?.town = ""
      request.lines.append(
        AccountingAPI.InvoiceLine(
          productID: "x", periodStart: CommonAPI.Date(year: 2026, month: 13, day: 1),
          taxRateBasisPoints: -1))
      request.totals?.total?.minorUnits = -1
      let error = await failure { try await world.charges.chargeOrder(request) }
      #expect(
        Set(error.fields.map(\.field)) == [
          "recipient.town", "lines[1].description", "lines[1].product_id",
          "lines[1].period_start", "lines[1].period_end", "lines[1].net", "lines[1].tax",
          "lines[1].tax_rate_basis_points", "totals.total.minor_units",
        ])
    }
  }
}
