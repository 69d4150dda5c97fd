import CommonAPI
import RPCCore
import RequestValidation
import SharedDomain
import ShopAPI
import ShopDomain
import ShopService
import TestSupport
import Testing

@Suite("Bad input names its fields", .onEachDriver)
struct BadInputTests {
  let bench: ShopBench
  let admin: ShopClient
  let identity: ShopClient

  init() async throws {
    bench = try await ShopBench()
    admin = try bench.member(1, of: 2)
    identity = bench.anonymous(peer: "kontor-identity")
  }

  /// Expects INVALID_ARGUMENT with exactly these fields.
  func expect(_ fields: [String], _ body: () async throws -> Void) async {
    let error = await failure(body)
    #expect(error?.code == .invalidArgument, "\(fields): \(String(describing: error))")
    #expect(error?.reason == "INVALID_REQUEST", "\(fields)")
    #expect(error?.fields.map(\.field) == fields)
    #expect(error?.fields.allSatisfy { !$0.description.isEmpty } == true)
  }

  static let hostile = [
    "", "x", "../../etc/passwd", "' OR 1=1 --", "\u{202E}", String(repeating: "9", count: 5000),
    "00000000-0000-7000-8000-00000000000G", "00000000-0000-7000-8000-00000000000A",
  ]

  @Test("CatalogueService")
  func catalogue() async {
    let client = bench.anonymous().catalogue
    await expect(["category"]) {
      _ = try await client.listProductTypes(ListProductTypesRequest(category: .unrecognized(9)))
    }
    await expect(["page_size", "page_token"]) {
      _ = try await client.listProductTypes(
        ListProductTypesRequest(pageSize: 101, pageToken: "zz"))
    }
    await expect(["page_size"]) {
      _ = try await client.listPlans(ListPlansRequest(pageSize: -1))
    }
    await expect(["product_type_id", "currency_code"]) {
      _ = try await client.listPlans(
        ListPlansRequest(productTypeID: "no-such-type", currencyCode: "USD"))
    }
    await expect(["product_type_id"]) {
      _ = try await client.listPlans(ListPlansRequest(productTypeID: "' OR 1=1"))
    }
    await expect(["lines", "currency_code"]) {
      _ = try await client.quoteOrder(QuoteOrderRequest())
    }
    await expect(["lines"]) {
      _ = try await client.quoteOrder(
        QuoteOrderRequest(
          lines: Array(repeating: ShopClient.hosting, count: 51), currencyCode: "CHF"))
    }
    await expect(
      [
        "lines[1].plan_id", "lines[2].months", "lines[3].domain_name", "lines[4].domain_name",
        "lines[5].domain_name", "lines[6].plan_id",
      ]
    ) {
      _ = try await client.quoteOrder(
        QuoteOrderRequest(
          lines: [
            ShopClient.hosting, OrderLine(planID: "nope", months: 1),
            OrderLine(planID: "hosting-start", months: Int32.max),
            OrderLine(planID: "domain-ch", months: 12),
            OrderLine(planID: "domain-ch", months: 12, domainName: "-a.ch"),
            OrderLine(planID: "domain-ch", months: 12, domainName: "a.com"),
            OrderLine(planID: "hosting-old", months: 1),
          ], currencyCode: "CHF"))
    }
  }

  @Test("A page token belongs to its list and filter")
  func foreignToken() async throws {
    let client = bench.anonymous().catalogue
    let page = try await client.listPlans(ListPlansRequest(pageSize: 1))
    #expect(!page.nextPageToken.isEmpty)
    await expect(["page_token"]) {
      _ = try await client.listPlans(
        ListPlansRequest(currencyCode: "CHF", pageToken: page.nextPageToken))
    }
    await expect(["page_token"]) {
      _ = try await admin.orders.listOrders(
        ListOrdersRequest(pageToken: page.nextPageToken), options: admin.options)
    }
  }

  @Test("PlaceOrder")
  func place() async {
    let options = admin.options
    await expect(["lines", "currency_code", "recipient", "accepted_terms_version"]) {
      _ = try await admin.orders.placeOrder(PlaceOrderRequest(requestID: "a"), options: options)
    }
    await expect(["lines[0].plan_id"]) {
      _ = try await admin.place("a", [OrderLine(planID: "nope", months: 1)])
    }
    var request = ShopClient.placing("a")
    request.recipient?.town = ""
    request.recipient?.countryCode = "ch"
    let unreachable = request
    await expect(["recipient.country_code", "recipient.town"]) {
      _ = try await admin.orders.placeOrder(unreachable, options: options)
    }
    for bad in ["", "a b", String(repeating: "a", count: 65), "é"] {
      await expect(["request_id"]) { _ = try await admin.place(bad) }
    }
  }

  @Test("The RPCs that name an order or a product", arguments: hostile)
  func identifiers(_ text: String) async {
    let options = admin.options
    await expect(["order_id"]) { _ = try await admin.order(text) }
    await expect(["order_id"]) { _ = try await admin.cancel(text) }
    await expect(["order_id"]) { _ = try await admin.pay(text) }
    await expect(["product_id"]) {
      _ = try await admin.products.getProduct(
        GetProductRequest(productID: text), options: options)
    }
    await expect(["page_token"]) {
      _ = try await admin.products.listProducts(
        ListProductsRequest(pageToken: text.isEmpty ? "0" : text), options: options)
    }
  }

  @Test("PayOrder and CancelOrder")
  func pay() async throws {
    let orderID = try await admin.place().orderID
    for method in [PaymentMethod.unspecified, .unrecognized(7)] {
      await expect(["payment_method"]) {
        _ = try await admin.orders.payOrder(
          PayOrderRequest(requestID: "a", orderID: orderID, paymentMethod: method),
          options: admin.options)
      }
    }
    await expect(["request_id"]) { _ = try await admin.pay(orderID, "") }
    await expect(["request_id"]) { _ = try await admin.cancel(orderID, "") }
  }

  @Test("Lists")
  func lists() async {
    let options = admin.options
    await expect(["state", "page_size"]) {
      _ = try await admin.orders.listOrders(
        ListOrdersRequest(state: .unrecognized(99), pageSize: 1000), options: options)
    }
    await expect(["category", "product_type_id", "state"]) {
      _ = try await admin.products.listProducts(
        ListProductsRequest(
          category: .unrecognized(-1), productTypeID: "A B", state: .unrecognized(8)),
        options: options)
    }
  }

  @Test("CreateOrder")
  func intake() async {
    await expect(
      ["organization_id", "user_id", "recipient", "accepted_terms_version", "quote"]
    ) { _ = try await identity.intake.createOrder(CreateOrderRequest()) }
    let organizationID: OrganizationID = id(2)
    await expect(["quote.lines", "quote.catalogue_version", "quote.totals.total", "request_id"]) {
      do {
        _ = try await identity.intake.createOrder(
          CreateOrderRequest(
            organizationID: organizationID.text, userID: organizationID.text,
            quote: ShopAPI.Quote(),
            recipient: anyParty.message, acceptedTermsVersion: "terms-1"))
      } catch let error as RPCError {
        // The request id is looked at after the fields.
        throw RPCError(
          error.code, reason: error.reason ?? "", error.message,
          fields: error.fields + [FieldViolation(field: "request_id", description: "later")])
      }
    }
  }

  @Test("RenewalService")
  func renewals() async {
    let accounting = bench.anonymous(peer: "kontor-accounting").renewals
    await expect(["organization_id", "ends_before", "product_ids[1]", "page_size"]) {
      let good: ProductID = id(1)
      _ = try await accounting.listRenewals(
        ListRenewalsRequest(
          organizationID: "", endsBefore: CommonAPI.Date(year: 2026, month: 2, day: 30),
          productIDs: [good.text, "x"], pageSize: 501))
    }
    await expect(["payment_id", "organization_id", "renewals"]) {
      _ = try await accounting.applyRenewals(ApplyRenewalsRequest())
    }
    let product: ProductID = id(1)
    let payment: PaymentID = id(2)
    await expect(
      ["renewals[0].period_start", "renewals[1].product_id", "renewals[1].months"]
    ) {
      _ = try await accounting.applyRenewals(
        ApplyRenewalsRequest(
          paymentID: payment.text, organizationID: payment.text,
          renewals: [
            PaidRenewal(productID: product.text, months: 1),
            PaidRenewal(
              productID: product.text, periodStart: day("2026-01-01").message,
              months: Int32.min),
          ]))
    }
  }
}
