import AccountingAPI
import AccountingDomain
import AccountingService
import AccountingStorage
import CommonAPI
import Cryptography
import Logging
import Messages
import RPCCore
import RPCInProcess
import RequestValidation
import SQLCore
import ServiceStorage
import SharedDomain
import ShopAPI
import Synchronization
import TestSupport
import Testing

/// A clock that stands still until it is moved; its dates are those of UTC.
final class ManualClock: WallClock {
  private let instant = Mutex(Instant.start)

  func now() -> Instant { instant.withLock { $0 } }

  func localDate(_ instant: Instant) -> CalendarDate {
    CalendarDate(daysSinceEpoch: Int(instant.microseconds / 86_400_000_000))
  }

  func advance(by duration: Duration) {
    instant.withLock { $0 = $0.advanced(by: duration) }
  }
}

/// The accounting service over a real database of the test's driver, with a manual clock and a shop in memory.
struct World: Sendable {
  static let sandboxKey = [UInt8](repeating: 7, count: 32)

  let database: any Database
  let clock: ManualClock
  let shop: FakeShop
  let services: AccountingServices

  /// Runs a body in a new world, and verifies the books and the audit log at its end.
  static func run(
    sandbox: Bool = true, _ body: (World) async throws -> Void
  ) async throws {
    let world = try await World(Driver.openDatabase(), sandbox: sandbox)
    try await body(world)
    let faults = try await world.faults()
    #expect(faults.isEmpty)
    await world.database.close()
  }

  /// - Parameters:
  ///   - clock: of the world before, after a restart.
  ///   - shop: of the world before.
  init(
    _ database: any Database, clock: ManualClock = ManualClock(), shop: FakeShop = FakeShop(),
    sandbox: Bool = true
  ) async throws {
    self.database = database
    self.clock = clock
    self.shop = shop
    try await Migrator(AccountingServices.migrations).migrate(database)
    services = World.services(database, clock, shop, sandbox: sandbox)
  }

  private static func services(
    _ database: any Database, _ clock: ManualClock, _ shop: FakeShop, sandbox: Bool
  ) -> AccountingServices {
    AccountingServices(
      database: database, clock: clock, identifiers: IdentifierGenerator(clock: clock),
      shop: InProcessChannel([ServiceRegistration(renewalService: shop)]),
      settings: AccountingSettings(
        supplier: AccountingDomain.Supplier(
          name: "Example Hosting AG", street: "Seestrasse 1", postalCode: "8002", town: "Zürich",
          countryCode: "CH", vatNumber: "CHE-123.456.788 MWST"),
        providerKeys: [.sandbox: sandboxKey], isSandboxEnabled: sandbox,
        roundsTotals: true, requestHashKey: [UInt8](repeating: 1, count: 32)),
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  /// The service as it is after a restart: the same database, nothing in memory.
  func restarted() -> AccountingServices {
    World.services(database, clock, shop, sandbox: true)
  }

  /// Calls as a member; nil calls without a token.
  func channel(_ member: Member?, isService: Bool = false) -> InProcessChannel {
    InProcessChannel(
      services.registrations,
      interceptors: [
        StorageErrorInterceptor(),
        MemberInterceptor(
          policies: services.accessPolicies, member: member, isService: isService),
      ])
  }

  /// What does not hold in any organization's books or audit log.
  func faults() async throws -> [String] {
    try await database.read { transaction in
      let books = try LedgerStore.verify(digest: { SHA256.hash($0) }, in: transaction)
      var faults = books.faults.map { "\($0)" }
      if books.strays > 0 { faults.append("\(books.strays) stray rows") }
      for row in try transaction.rows("SELECT organization_id FROM audit_head") {
        if case .broken(let sequence, let reason) = try AuditLog.verify(
          try row.read("organization_id"), in: transaction)
        {
          faults.append("audit \(sequence): \(reason)")
        }
      }
      return faults
    }
  }

  /// How many rows a query counts.
  func count(_ query: SQL) async throws -> Int {
    try await database.read { transaction in
      try transaction.first(query)?.int(0) ?? 0
    }
  }
}

/// What tests do over and over.
extension World {
  func prepaid(_ member: Member) -> PrepaidServiceClient {
    PrepaidServiceClient(channel: channel(member))
  }
  func topUps(_ member: Member) -> TopUpServiceClient {
    TopUpServiceClient(channel: channel(member))
  }
  func dueList(_ member: Member) -> DueListServiceClient {
    DueListServiceClient(channel: channel(member))
  }
  func invoices(_ member: Member) -> InvoiceServiceClient {
    InvoiceServiceClient(channel: channel(member))
  }
  var events: ProviderEventServiceClient { ProviderEventServiceClient(channel: channel(nil)) }
  var cards: SandboxCardServiceClient { SandboxCardServiceClient(channel: channel(nil)) }
  var charges: ChargeServiceClient {
    ChargeServiceClient(channel: channel(nil, isService: true))
  }

  func balance(_ member: Member, _ currency: String = "CHF") async throws -> Int64 {
    let response = try await prepaid(member).getPrepaidAccount(
      GetPrepaidAccountRequest(currencyCode: currency))
    return try #require(response.account?.balance).minorUnits
  }

  /// Begins a top-up.
  func begin(
    _ member: Member, _ amount: Int64, _ currency: String = "CHF", request: String = "top-up"
  ) async throws -> AccountingAPI.TopUp {
    let response = try await topUps(member).createTopUp(
      CreateTopUpRequest(
        requestID: request, amount: CommonAPI.Money(currencyCode: currency, minorUnits: amount),
        method: .card))
    return try #require(response.topUp)
  }

  /// The signed event of a top-up, as the sandbox makes it.
  func event(
    _ topUp: AccountingAPI.TopUp, decline: Bool = false
  ) async throws -> DeliverProviderEventRequest {
    let completed = try await cards.completeCardPayment(
      CompleteCardPaymentRequest(
        providerReference: topUp.providerReference, amount: topUp.amount, decline: decline))
    return DeliverProviderEventRequest(
      provider: "sandbox", payload: completed.payload, signature: completed.signature)
  }

  /// An event that a provider could have made and signed.
  func signed(
    _ event: ProviderEvent, key: [UInt8] = sandboxKey, provider: String = "sandbox"
  ) throws -> DeliverProviderEventRequest {
    let payload = try event.serialized()
    return DeliverProviderEventRequest(
      provider: provider, payload: payload, signature: HMACSHA256.code(for: payload, key: key))
  }

  /// Puts money on the prepaid account.
  func fund(
    _ member: Member, _ amount: Int64, _ currency: String = "CHF", request: String = "fund"
  ) async throws {
    let topUp = try await begin(member, amount, currency, request: request)
    _ = try await events.deliverProviderEvent(try await event(topUp))
  }

  /// Charges an order of one line of the given net price.
  @discardableResult
  func charge(
    _ member: Member, order: UInt64, net: Int64 = 11_988
  ) async throws -> ChargeOrderResponse {
    try await charges.chargeOrder(try chargeRequest(member, order: order, net: net))
  }

  func chargeRequest(
    _ member: Member, order: UInt64, net: Int64 = 11_988
  ) throws -> ChargeOrderRequest {
    let line = sampleLine(net: net)
    let totals = try PriceTotals(lines: [line.price], currency: .chf, roundsToFive: true)
    return ChargeOrderRequest(
      organizationID: member.organizationID.text, orderID: (id(order) as OrderID).text,
      userID: member.userID.text, recipient: sampleParty.message,
      lines: [
        AccountingAPI.InvoiceLine(
          description: line.description, productID: line.productID?.text ?? "",
          periodStart: line.periodStart.message, periodEnd: line.periodEnd.message,
          net: line.net.message, tax: line.tax.message, taxRateBasisPoints: 810)
      ], totals: totals.message)
  }

  /// An organization with money, a known recipient and renewals.
  func established(
    _ member: Member, balance: Int64 = 100_000, renewals: [ShopAPI.Renewal]
  ) async throws {
    // 119.88 + 9.71, rounded to 129.60, is the order.
    try await fund(member, balance + 12_960)
    try await charge(member, order: 9000 + member.number)
    shop.offer(renewals, to: member.number)
  }

  /// Quotes everything that is due.
  func quoteAll(
    _ member: Member, request: String = "quote"
  ) async throws -> AccountingAPI.PaymentQuote {
    let due = try await dueList(member).listDueItems(ListDueItemsRequest(dateFilter: .all(true)))
    let response = try await dueList(member).quoteDueItems(
      QuoteDueItemsRequest(requestID: request, dueItemIDs: due.items.map(\.dueItemID)))
    return try #require(response.quote)
  }
}

extension Member {
  /// The number that the organization's id was made of.
  var number: UInt64 {
    (1...50).first { (id($0) as OrganizationID) == organizationID } ?? 0
  }
}

/// The error that a call ends with.
func failure(
  _ call: () async throws -> some Sendable, _ location: SourceLocation = #_sourceLocation
) async -> RPCError {
  do {
    _ = try await call()
    Issue.record("the call succeeded", sourceLocation: location)
    return RPCError(.ok, "")
  } catch let error as RPCError {
    return error
  } catch {
    Issue.record("another error: \(error)", sourceLocation: location)
    return RPCError(.unknown, "")
  }
}
