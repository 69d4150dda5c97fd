import Authentication
import CommonAPI
import RPCCore
import RequestValidation
import SharedDomain
import ShopAPI
import ShopDomain
import ShopService
import TestSupport
import Testing

@Suite("Who may call the shop (ORG-4, SHOP-5)", .onEachDriver)
struct AccessTests {
  let bench: ShopBench

  init() async throws {
    bench = try await ShopBench()
  }

  /// One call of each RPC that needs a member, on things of organization 2.
  static func calls(
    _ client: ShopClient, orderID: String, productID: String
  ) -> [(name: String, call: () async throws -> Void)] {
    let options = client.options
    return [
      (
        "PlaceOrder",
        { _ = try await client.orders.placeOrder(ShopClient.placing("x"), options: options) }
      ),
      (
        "GetOrder",
        {
          _ = try await client.orders.getOrder(
            GetOrderRequest(orderID: orderID), options: options)
        }
      ),
      (
        "ListOrders",
        { _ = try await client.orders.listOrders(ListOrdersRequest(), options: options) }
      ),
      ("CancelOrder", { _ = try await client.cancel(orderID) }),
      ("PayOrder", { _ = try await client.pay(orderID) }),
      (
        "GetProduct",
        {
          _ = try await client.products.getProduct(
            GetProductRequest(productID: productID), options: options)
        }
      ),
      (
        "ListProducts",
        { _ = try await client.products.listProducts(ListProductsRequest(), options: options) }
      ),
    ]
  }

  @Test("Every RPC has a policy, and every RPC service its peers")
  func complete() {
    #expect(
      AccessPolicy.missing(for: bench.services.registrations, in: ShopServices.accessPolicies)
        == [])
    #expect(
      Set(ShopServices.accessPolicies.keys)
        == Set(bench.services.registrations.flatMap(\.methods).map(\.method.path)))
    #expect(
      Set(ShopServices.allowedPeers.keys) == Set(bench.services.registrations.map(\.name)))
    #expect(ShopServices.allowedPeers["kontor.shop.v1.OrderIntakeService"] == [.identity])
    #expect(ShopServices.allowedPeers["kontor.shop.v1.RenewalService"] == [.accounting])
    #expect(ShopServices.allowedPeers["kontor.shop.v1.OrderService"] == [.gateway])
  }

  @Test("Without a token nobody gets in")
  func noToken() async throws {
    let orderID: OrderID = id(1)
    for (name, call) in Self.calls(
      bench.anonymous(), orderID: orderID.text, productID: orderID.text)
    {
      #expect(await failure(call)?.reason == "TOKEN_MISSING", "\(name)")
    }
  }

  @Test("The internal RPCs are refused without a service's certificate")
  func noCertificate() async throws {
    let client = bench.anonymous()
    for error in [
      await failure { _ = try await client.intake.createOrder(CreateOrderRequest()) },
      await failure { _ = try await client.renewals.listRenewals(ListRenewalsRequest()) },
      await failure { _ = try await client.renewals.applyRenewals(ApplyRenewalsRequest()) },
    ] {
      #expect(error?.code == .permissionDenied)
      #expect(error?.reason == "PEER_NOT_ALLOWED")
    }
  }

  @Test("A member without all rights sees products and orders nothing (SHOP-5)")
  func member() async throws {
    let member = try bench.member(9, of: 2, role: .member)
    let orderID: OrderID = id(1)
    for (name, call) in Self.calls(member, orderID: orderID.text, productID: orderID.text) {
      let error = await failure(call)
      switch name {
      case "GetProduct": #expect(error?.reason == "PRODUCT_NOT_FOUND")
      case "ListProducts": #expect(error == nil)
      default: #expect(error?.code == .permissionDenied, "\(name)")
      }
    }
  }

  @Test("Another organization's things look as if they did not exist, for every RPC")
  func tenants() async throws {
    let owner = try bench.member(1, of: 2)
    let paid = try await owner.pay(try await owner.place("p-1").orderID, "pay-0")
    let pending = try await owner.place("p-2")
    let productID = try #require(paid.productIDs.first)
    let stranger = try bench.member(3, of: 4)
    for (name, call) in Self.calls(stranger, orderID: pending.orderID, productID: productID) {
      let error = await failure(call)
      switch name {
      case "PlaceOrder", "ListOrders", "ListProducts": #expect(error == nil, "\(name)")
      default:
        #expect(error?.code == .notFound, "\(name)")
        // Exactly like something that does not exist.
        let missing: OrderID = id(77)
        let other = Self.calls(stranger, orderID: missing.text, productID: missing.text)
          .first { $0.name == name }
        let unknown = await failure { try await other?.call() }
        #expect(error?.reason == unknown?.reason, "\(name)")
        let shown = unknown?.message
          .replacing(missing.text, with: name == "GetProduct" ? productID : pending.orderID)
        #expect(error?.message == shown, "\(name)")
      }
    }
    let options = stranger.options
    let orders = try await stranger.orders.listOrders(ListOrdersRequest(), options: options)
    #expect(orders.orders.allSatisfy { $0.organizationID == stranger.organizationID.text })
    #expect(try await stranger.allProducts().isEmpty)
    #expect(try await owner.order(pending.orderID) == pending)
    // A page token of another organization opens nothing.
    let page = try await owner.orders.listOrders(
      ListOrdersRequest(pageSize: 1), options: owner.options)
    let stolen = try await stranger.orders.listOrders(
      ListOrdersRequest(pageToken: page.nextPageToken), options: options)
    #expect(stolen.orders.allSatisfy { $0.organizationID == stranger.organizationID.text })
    // Nor does accounting reach a product through another organization.
    let accounting = bench.anonymous(peer: "kontor-accounting")
    let renewals = try await accounting.renewals.listRenewals(
      ListRenewalsRequest(
        organizationID: stranger.organizationID.text, productIDs: [productID]))
    #expect(renewals.renewals.isEmpty)
    let paymentID: PaymentID = id(1)
    let applied = await failure {
      _ = try await accounting.renewals.applyRenewals(
        ApplyRenewalsRequest(
          paymentID: paymentID.text, organizationID: stranger.organizationID.text,
          renewals: [
            PaidRenewal(
              productID: productID, periodStart: day("2027-01-31").message, months: 12)
          ]))
    }
    #expect(applied?.reason == "PRODUCT_NOT_FOUND")
  }

  @Test("An organization that is being deleted reads, and changes nothing (ORG-7)")
  func closing() async throws {
    let owner = try bench.member(1, of: 2)
    let order = try await owner.place()
    let closing = try bench.member(1, of: 2, state: .closing)
    #expect(try await closing.order(order.orderID) == order)
    let error = await failure { _ = try await closing.pay(order.orderID) }
    #expect(error?.reason == "ORGANIZATION_CLOSING")
  }
}
