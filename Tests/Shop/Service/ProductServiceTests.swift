import CommonAPI
import RPCCore
import RequestValidation
import SQLCore
import ServiceStorage
import SharedDomain
import ShopAPI
import ShopDomain
import ShopService
import TestSupport
import Testing

@Suite("Products and their renewals (PROD-2, PROD-4, ACC-3)", .onEachDriver)
struct ProductServiceTests {
  let bench: ShopBench
  let admin: ShopClient
  let accounting: ShopClient
  /// A month of hosting, a domain, free mail; in the order of their ids.
  let products: [ShopAPI.Product]

  init() async throws {
    bench = try await ShopBench()
    admin = try bench.member(1, of: 2)
    accounting = bench.anonymous(peer: "kontor-accounting")
    let order = try await admin.place(
      "p",
      [
        OrderLine(planID: "hosting-start", months: 1),
        OrderLine(planID: "domain-ch", months: 12, domainName: "a.ch"), ShopClient.freeMail,
      ])
    _ = try await admin.pay(order.orderID)
    products = try await admin.allProducts()
  }

  var hosting: ShopAPI.Product { product("web-hosting") }
  var domain: ShopAPI.Product { product("domain-name") }

  func product(_ type: String) -> ShopAPI.Product {
    products.first { $0.productTypeID == type } ?? ShopAPI.Product()
  }

  func list(_ request: ListProductsRequest) async throws -> [String] {
    var found: [String] = []
    var request = request
    repeat {
      let page = try await admin.products.listProducts(request, options: admin.options)
      found += page.products.map(\.productTypeID)
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty
    return found.sorted()
  }

  @Test("Products are listed by category, type and state, in pages")
  func lists() async throws {
    #expect(try await list(ListProductsRequest(pageSize: 1)).count == 3)
    #expect(
      try await list(ListProductsRequest(category: .webAndDomain))
        == ["domain-name", "web-hosting"])
    #expect(try await list(ListProductsRequest(productTypeID: "free-mail")) == ["free-mail"])
    #expect(try await list(ListProductsRequest(productTypeID: "backup")).isEmpty)
    #expect(try await list(ListProductsRequest(category: .tools)).isEmpty)
  }

  @Test(
    "A product's state follows from the day, in lists as in itself (PROD-4)",
    arguments: [
      ("2026-02-27", .active), ("2026-02-28", .grace), ("2026-03-07", .blocked),
      ("2026-04-06", .terminated),
    ] as [(String, ShopAPI.ProductState)])
  func states(_ date: String, _ state: ShopAPI.ProductState) async throws {
    bench.clock.set(day(date))
    let read = try await admin.products.getProduct(
      GetProductRequest(productID: hosting.productID), options: admin.options)
    #expect(read.product?.state == state)
    for other in [ShopAPI.ProductState.pending, .active, .grace, .blocked, .terminated] {
      let found = try await list(ListProductsRequest(state: other))
      #expect(found.contains("web-hosting") == (other == state), "\(other)")
      #expect(found.contains("free-mail") == (other == .active), "\(other)")
    }
  }

  @Test("A member sees the granted products and no others (ORG-4)")
  func grants() async throws {
    let granted = try #require(ProductID(domain.productID))
    let member = try bench.member(9, of: 2, role: .member, grants: [granted])
    #expect(try await member.allProducts().map(\.productID) == [domain.productID])
    let hidden = await failure {
      _ = try await member.products.getProduct(
        GetProductRequest(productID: hosting.productID), options: member.options)
    }
    #expect(hidden?.code == .notFound)
    #expect(hidden?.reason == "PRODUCT_NOT_FOUND")
    let nobody = try bench.member(10, of: 2, role: .member)
    #expect(try await nobody.allProducts().isEmpty)
  }

  func renewals(_ request: ListRenewalsRequest) async throws -> [ShopAPI.Renewal] {
    var request = request
    request.organizationID = admin.organizationID.text
    return try await accounting.renewals.listRenewals(request).renewals
  }

  func apply(
    _ payment: UInt64, _ product: ShopAPI.Product, from start: CommonAPI.Date?, months: Int32 = 1
  ) async throws -> ShopAPI.Product {
    let paymentID: PaymentID = id(payment)
    let response = try await accounting.renewals.applyRenewals(
      ApplyRenewalsRequest(
        paymentID: paymentID.text, organizationID: admin.organizationID.text,
        renewals: [
          PaidRenewal(productID: product.productID, periodStart: start, months: months)
        ]))
    return response.products.first ?? ShopAPI.Product()
  }

  @Test("What can be renewed is listed soonest end first, at today's prices; free products never")
  func listRenewals() async throws {
    let all = try await renewals(ListRenewalsRequest())
    #expect(all.map(\.productID) == [hosting.productID, domain.productID])
    #expect(all[0].periodStart == day("2026-02-28").message)
    #expect(all[0].periodEnd == day("2026-03-31").message)
    #expect(all[0].months == 1)
    #expect(all[0].price == chf(575).message)
    #expect(!all[0].priceIncludesTax)
    #expect(all[0].taxClass == .standard)
    #expect(all[0].description == "Web hosting Start, 1 month")
    #expect(all[1].description == "Domain name .ch, a.ch, 12 months")
    let soon = try await renewals(ListRenewalsRequest(endsBefore: day("2026-03-01").message))
    #expect(soon.map(\.productID) == [hosting.productID])
    #expect(
      try await renewals(ListRenewalsRequest(endsBefore: day("2026-02-28").message)).isEmpty)
    let only = try await renewals(ListRenewalsRequest(productIDs: [domain.productID]))
    #expect(only.map(\.productID) == [domain.productID])
    let page = try await accounting.renewals.listRenewals(
      ListRenewalsRequest(organizationID: admin.organizationID.text, pageSize: 1))
    #expect(page.renewals.map(\.productID) == [hosting.productID])
    let next = try await accounting.renewals.listRenewals(
      ListRenewalsRequest(
        organizationID: admin.organizationID.text, pageSize: 1, pageToken: page.nextPageToken))
    #expect(next.renewals.map(\.productID) == [domain.productID])
    #expect(next.nextPageToken.isEmpty)
    // What is overdue is there until it is over.
    bench.clock.set(day("2026-04-05"))
    #expect(try await renewals(ListRenewalsRequest()).count == 2)
    bench.clock.set(day("2026-04-06"))
    #expect(
      try await renewals(ListRenewalsRequest()).map(\.productID) == [domain.productID])
  }

  @Test("A paid period is added once for each payment, from the old end")
  func applyRenewals() async throws {
    bench.clock.set(day("2026-03-10"))
    let once = try await apply(1, hosting, from: hosting.periodEnd)
    #expect(once.periodStart == day("2026-02-28").message)
    #expect(once.periodEnd == day("2026-03-31").message)
    #expect(once.state == .active)
    #expect(try await apply(1, hosting, from: hosting.periodEnd) == once)
    let twice = try await apply(2, hosting, from: once.periodEnd)
    #expect(twice.periodEnd == day("2026-04-30").message)
    // The first payment again, after the second: nothing more.
    #expect(try await apply(1, hosting, from: hosting.periodEnd) == twice)
    let actions = try await bench.database.read {
      [organizationID = admin.organizationID] transaction in
      try AuditLog.page(of: organizationID, limit: 2, in: transaction).map(\.record.action)
    }
    #expect(actions == ["product.renewed", "product.renewed"])
  }

  @Test("50 times the same payment at once extends once")
  func concurrent() async throws {
    let answers = try await withThrowingTaskGroup(of: ShopAPI.Product.self) { group in
      for _ in 0..<50 {
        group.addTask { try await apply(1, hosting, from: hosting.periodEnd) }
      }
      return try await group.reduce(into: Set<ShopAPI.Product>()) { $0.insert($1) }
    }
    #expect(answers.count == 1)
    #expect(answers.first?.periodEnd == day("2026-03-31").message)
  }

  @Test("A period that does not begin at the end is refused, and all of the payment with it")
  func conflict() async throws {
    let paymentID: PaymentID = id(1)
    let error = await failure {
      _ = try await accounting.renewals.applyRenewals(
        ApplyRenewalsRequest(
          paymentID: paymentID.text, organizationID: admin.organizationID.text,
          renewals: [
            PaidRenewal(
              productID: domain.productID, periodStart: domain.periodEnd, months: 12),
            PaidRenewal(
              productID: hosting.productID, periodStart: day("2026-03-01").message, months: 1),
          ]))
    }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.reason == "RENEWAL_CONFLICT")
    #expect(try await admin.allProducts() == products)
  }

  @Test("A payment is not applied with another period")
  func differs() async throws {
    _ = try await apply(1, hosting, from: hosting.periodEnd)
    let error = await failure {
      _ = try await apply(1, hosting, from: hosting.periodEnd, months: 12)
    }
    #expect(error?.reason == "IDEMPOTENCY_KEY_REUSED")
  }

  @Test("A free product, and a period that the plan has not, are refused")
  func notRenewable() async throws {
    let free = product("free-mail")
    let error = await failure { _ = try await apply(1, free, from: free.periodEnd, months: 12) }
    #expect(error?.reason == "PRODUCT_NOT_RENEWABLE")
    let period = await failure {
      _ = try await apply(1, hosting, from: hosting.periodEnd, months: 3)
    }
    #expect(period?.reason == "RENEWAL_PERIOD_NOT_OFFERED")
    let year = try await apply(1, hosting, from: hosting.periodEnd, months: 12)
    #expect(year.months == 12)
    #expect(year.periodEnd == day("2027-02-28").message)
  }

  @Test("What was paid in time is extended even where the word of it comes late")
  func late() async throws {
    bench.clock.set(day("2026-05-01"))
    let renewed = try await apply(1, hosting, from: hosting.periodEnd, months: 12)
    #expect(renewed.state == .active)
  }
}
