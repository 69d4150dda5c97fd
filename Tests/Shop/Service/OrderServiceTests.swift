import CommonAPI
import GoogleAPI
import RPCCore
import RPCInProcess
import RequestValidation
import ServiceStorage
import SharedDomain
import ShopAPI
import ShopDomain
import ShopService
import TestSupport
import Testing

@Suite("Placing, reading and cancelling orders", .onEachDriver)
struct OrderServiceTests {
  let bench: ShopBench
  let admin: ShopClient

  init() async throws {
    bench = try await ShopBench()
    admin = try bench.member(1, of: 2)
  }

  @Test("An order keeps its quote, its recipient and the terms (SHOP-4, SHOP-6)")
  func place() async throws {
    let order = try await admin.place()
    #expect(OrderID(order.orderID) != nil)
    #expect(order.organizationID == admin.organizationID.text)
    #expect(order.state == .pending)
    #expect(order.recipient == anyParty.message)
    #expect(order.acceptedTermsVersion == "terms-1")
    #expect(order.quote?.catalogueVersion == "net-1")
    #expect(order.quote?.totals?.total == chf(12_960).message)
    #expect(order.quote?.totals?.rounding == chf(1).message)
    #expect(order.createTime == bench.clock.now().timestamp)
    #expect(order.expireTime == bench.clock.now().advanced(by: .days(30)).timestamp)
    #expect(order.payTime == nil)
    #expect(try await admin.order(order.orderID) == order)
  }

  @Test("The same request places one order, however often it comes")
  func idempotent() async throws {
    let answers = try await withThrowingTaskGroup(of: ShopAPI.Order.self) { group in
      for _ in 0..<50 { group.addTask { try await admin.place("same") } }
      return try await group.reduce(into: Set<ShopAPI.Order>()) { $0.insert($1) }
    }
    #expect(answers.count == 1)
    let listed = try await admin.orders.listOrders(ListOrdersRequest(), options: admin.options)
    #expect(listed.orders.count == 1)
    let error = await failure { _ = try await admin.place("same", [ShopClient.freeMail]) }
    #expect(error?.reason == "IDEMPOTENCY_KEY_REUSED")
  }

  @Test("validate_only prices the order and places nothing")
  func validateOnly() async throws {
    var request = ShopClient.placing()
    request.validateOnly = true
    let checked = try await admin.orders.placeOrder(request, options: admin.options).order
    #expect(checked?.orderID == "")
    #expect(checked?.quote?.totals?.total == chf(12_960).message)
    let listed = try await admin.orders.listOrders(ListOrdersRequest(), options: admin.options)
    #expect(listed.orders.isEmpty)
    // The id was not used up.
    #expect(try await admin.place().state == .pending)
  }

  @Test("Other terms than those in force are refused, with the version to accept")
  func terms() async throws {
    for isCheck in [true, false] {
      var request = ShopClient.placing()
      request.acceptedTermsVersion = "terms-0"
      request.validateOnly = isCheck
      let asked = request
      let error = await failure {
        _ = try await admin.orders.placeOrder(asked, options: admin.options)
      }
      #expect(error?.code == .invalidArgument)
      #expect(error?.reason == "TERMS_OUTDATED")
      #expect(error?.fields.map(\.field) == ["accepted_terms_version"])
      guard case .errorInfo(let info) = error?.details.first else {
        Issue.record("no details")
        return
      }
      #expect(info.metadata["terms_version"] == "terms-1")
    }
  }

  @Test("A cancelled order stays cancelled; a repeated cancellation answers alike")
  func cancel() async throws {
    let order = try await admin.place()
    let cancelled = try await admin.cancel(order.orderID)
    #expect(cancelled.state == .cancelled)
    #expect(try await admin.cancel(order.orderID) == cancelled)
    let again = await failure { _ = try await admin.cancel(order.orderID, "cancel-2") }
    #expect(again?.reason == "ORDER_NOT_PENDING")
    #expect(await failure { _ = try await admin.pay(order.orderID) }?.reason == "ORDER_NOT_PENDING")
  }

  @Test("Lists are newest first, by state, and every order is on exactly one page")
  func list() async throws {
    var placed: [String] = []
    for number in 0..<7 {
      placed.append(try await admin.place("p-\(number)").orderID)
      if number == 3 { bench.clock.advance(by: .days(1)) }
    }
    _ = try await admin.cancel(placed[2])
    _ = try await admin.pay(placed[6])
    bench.clock.advance(by: .days(29))

    func list(_ state: ShopAPI.OrderState) async throws -> [ShopAPI.Order] {
      var found: [ShopAPI.Order] = []
      var request = ListOrdersRequest(state: state, pageSize: 2)
      repeat {
        let page = try await admin.orders.listOrders(request, options: admin.options)
        #expect(page.orders.count <= 2)
        found += page.orders
        request.pageToken = page.nextPageToken
      } while !request.pageToken.isEmpty
      return found
    }
    let all = try await list(.unspecified)
    #expect(Set(all.map(\.orderID)) == Set(placed))
    #expect(all.count == placed.count)
    #expect(
      all.map { $0.createTime?.seconds ?? 0 }
        == all.map { $0.createTime?.seconds ?? 0 }.sorted(by: >))
    #expect(Set(try await list(.lapsed).map(\.orderID)) == [placed[0], placed[1], placed[3]])
    #expect(Set(try await list(.pending).map(\.orderID)) == [placed[4], placed[5]])
    #expect(try await list(.cancelled).map(\.orderID) == [placed[2]])
    #expect(try await list(.paid).map(\.orderID) == [placed[6]])
    #expect(try await list(.paying).isEmpty)
  }
}

@Suite("Orders of sign-ups (ORG-1)", .onEachDriver)
struct OrderIntakeTests {
  let bench: ShopBench
  let identity: ShopClient

  init() async throws {
    bench = try await ShopBench()
    identity = bench.anonymous(peer: "kontor-identity")
  }

  func request(_ lines: [OrderLine] = [ShopClient.hosting]) async throws -> CreateOrderRequest {
    let quote = try await identity.catalogue.quoteOrder(
      QuoteOrderRequest(lines: lines, currencyCode: "CHF")
    ).quote
    let organizationID: OrganizationID = id(2)
    let userID: UserID = id(1)
    return CreateOrderRequest(
      requestID: "sign-up", organizationID: organizationID.text, userID: userID.text, quote: quote,
      recipient: anyParty.message, acceptedTermsVersion: "terms-1")
  }

  @Test("The order stands at the quoted prices, once, and its organization can pay it")
  func create() async throws {
    let request = try await request()
    let order = try #require(try await identity.intake.createOrder(request).order)
    #expect(order.quote == request.quote)
    #expect(order.state == .pending)
    #expect(try await identity.intake.createOrder(request).order == order)
    let admin = try bench.member(1, of: 2)
    #expect(try await admin.order(order.orderID) == order)
    #expect(try await admin.pay(order.orderID).state == .paid)
  }

  @Test("An older version's quote stands after the catalogue has changed")
  func olderVersion() async throws {
    let request = try await request()
    let text = netCatalogueText.replacing("net-1", with: "net-2")
      .replacing("119.88", with: "150.00").replacing("terms-1", with: "terms-2")
    let catalogue = try await CatalogueLoader.load(
      text, into: bench.database, clock: bench.clock)
    let services = ShopServices(
      database: bench.database, catalogue: catalogue, clock: bench.clock,
      identifiers: IdentifierGenerator(clock: bench.clock),
      hashKey: try await ServiceSecrets.requestHashKey(in: bench.database),
      accounting: InProcessChannel([]), logger: bench.logger)
    let client = OrderIntakeServiceClient(channel: InProcessChannel(services.registrations))
    let order = try await client.createOrder(request).order
    #expect(order?.quote == request.quote)
    #expect(order?.quote?.catalogueVersion == "net-1")
  }

  @Test("A quote that is not the catalogue's is refused")
  func tampered() async throws {
    let good = try await request()
    var cheaper = good
    cheaper.quote?.lines[0].net = chf(1).message
    var total = good
    total.quote?.totals?.total = chf(1).message
    var version = good
    version.quote?.catalogueVersion = "net-0"
    var terms = good
    terms.acceptedTermsVersion = "terms-9"
    var plan = good
    plan.quote?.lines[0].planID = "no-such-plan"
    let table: [(CreateOrderRequest, StatusCode, String)] = [
      (cheaper, .failedPrecondition, "QUOTE_DIFFERS"),
      (total, .failedPrecondition, "QUOTE_DIFFERS"),
      (version, .failedPrecondition, "CATALOGUE_VERSION_UNKNOWN"),
      (terms, .invalidArgument, "TERMS_OUTDATED"),
      (plan, .invalidArgument, "INVALID_REQUEST"),
    ]
    for (request, code, reason) in table {
      let error = await failure { _ = try await identity.intake.createOrder(request) }
      #expect(error?.code == code)
      #expect(error?.reason == reason)
    }
    // Nothing was saved under the id.
    #expect(try await identity.intake.createOrder(good).order?.state == .pending)
  }
}
