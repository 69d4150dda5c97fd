import AccountingAPI
import Authentication
import CommonAPI
import Cryptography
import GoogleAPI
import Logging
import Messages
import RPCCore
import RPCInProcess
import RequestValidation
import SQLCore
import ServiceStorage
import SharedDomain
import ShopAPI
import ShopDomain
import ShopService
import Synchronization
import TestSupport

/// A clock that stands still until a test moves it.
final class ManualClock: WallClock, Sendable {
  private let microseconds: Mutex<Int64>

  init(_ date: CalendarDate, hour: Int64 = 12) {
    microseconds = Mutex(Self.start(of: date) + hour * 3_600_000_000)
  }

  private static func start(of date: CalendarDate) -> Int64 {
    Int64(date.daysSinceEpoch) * 86_400_000_000
  }

  func now() -> Instant { Instant(microseconds: microseconds.withLock { $0 }) }

  func localDate(_ instant: Instant) -> CalendarDate {
    CalendarDate(daysSinceEpoch: Int(instant.microseconds / 86_400_000_000))
  }

  func advance(by duration: Duration) {
    let later = now().advanced(by: duration).microseconds
    microseconds.withLock { $0 = later }
  }

  func set(_ date: CalendarDate) {
    microseconds.withLock { $0 = Self.start(of: date) + 12 * 3_600_000_000 }
  }
}

/// A shop over a real database of the test's driver, with the real interceptor, a manual clock and a fake accounting.
final class ShopBench: Sendable {
  let clock = ManualClock(day("2026-01-31"))
  let database: any Database
  let accounting: FakeAccounting
  let services: ShopServices
  let catalogue: Catalogue
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let issuer: TokenIssuer

  init(catalogue text: String = netCatalogueText) async throws {
    database = try await Driver.openDatabase()
    try await Migrator(ShopServices.migrations).migrate(database)
    catalogue = try await CatalogueLoader.load(text, into: database, clock: clock)
    accounting = FakeAccounting(clock: clock)
    services = try await ShopServices(
      database: database, catalogue: catalogue, clock: clock,
      identifiers: IdentifierGenerator(clock: clock),
      hashKey: ServiceSecrets.requestHashKey(in: database),
      accounting: InProcessChannel([ServiceRegistration(chargeService: accounting)]),
      logger: logger)
    issuer = try TokenIssuer()
  }

  /// The same database served by a new process, as it were.
  func restarted() async throws -> ShopServices {
    try await ShopServices(
      database: database, catalogue: catalogue, clock: clock,
      identifiers: IdentifierGenerator(clock: clock),
      hashKey: ServiceSecrets.requestHashKey(in: database),
      accounting: InProcessChannel([ServiceRegistration(chargeService: accounting)]),
      logger: logger)
  }

  /// A member of an organization, whose calls carry a token.
  func member(
    _ user: UInt64, of organization: UInt64, role: SharedDomain.Role = .admin,
    grants: Set<ProductID> = [], state: SharedDomain.OrganizationState = .active
  ) throws -> ShopClient {
    let organizationID: OrganizationID = id(organization)
    let userID: UserID = id(user)
    let membership = Membership(
      organizationID: organizationID, role: role, hasBillingRights: false, productGrants: grants,
      version: 1)
    let token = try issuer.token(userID, organizationID, at: clock.now())
    let checker = AccessChecker { subject, _ in
      Access(
        isSessionActive: true,
        organization: subject.userID == userID && subject.organizationID == organizationID
          ? OrganizationAccess(membership: membership, state: state) : nil)
    }
    return ShopClient(
      channel: channel(checker), token: token, organizationID: organizationID, userID: userID)
  }

  /// A caller without a token, such as a service with the certificate `peer`.
  func anonymous(peer: String? = nil) -> ShopClient {
    let checker = AccessChecker { _, _ in .sessionEnded }
    return ShopClient(
      channel: channel(checker, peer: peer), token: nil, organizationID: id(0), userID: id(0))
  }

  private func channel(_ checker: AccessChecker, peer: String? = nil) -> InProcessChannel {
    InProcessChannel(
      services.registrations,
      interceptors: [
        AuthenticationInterceptor(
          policies: ShopServices.accessPolicies, registrations: services.registrations,
          tokens: AccessTokenVerifier(keys: issuer.keys, clock: clock), checker: checker),
        StorageErrorInterceptor(),
      ], peer: Peer(certificateNames: peer.map { [$0] } ?? []))
  }
}

/// Signs the tokens of the tests.
private struct TokenIssuer: Sendable {
  let keys: SigningKeyCache
  private let key: Ed25519PrivateKey

  init() throws {
    let key = try Ed25519PrivateKey()
    self.key = key
    keys = SigningKeyCache(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { _ in
      [VerificationKey(id: "k", publicKey: key.publicKey, expiresAt: nil)]
    }
  }

  func token(
    _ userID: UserID, _ organizationID: OrganizationID, at now: Instant
  ) throws -> String {
    try AccessToken.signed(
      AccessClaims(
        userID: userID, sessionID: id(99), organizationID: organizationID, issuedAt: now,
        expiresAt: now.advanced(by: .days(3650))), keyID: "k"
    ) { try key.sign($0) }
  }
}

/// The shop's clients of one caller.
struct ShopClient: Sendable {
  let channel: any ClientChannel
  let token: String?
  let organizationID: OrganizationID
  let userID: UserID

  var options: CallOptions {
    var options = CallOptions()
    if let token { options.metadata.append("authorization", "Bearer \(token)") }
    return options
  }

  var catalogue: CatalogueServiceClient { CatalogueServiceClient(channel: channel) }
  var orders: OrderServiceClient { OrderServiceClient(channel: channel) }
  var intake: OrderIntakeServiceClient { OrderIntakeServiceClient(channel: channel) }
  var products: ProductServiceClient { ProductServiceClient(channel: channel) }
  var renewals: RenewalServiceClient { RenewalServiceClient(channel: channel) }

  /// A request that places an order of web hosting for a year, unless lines are given.
  static func placing(
    _ requestID: String = "place-1", _ lines: [OrderLine] = [hosting], currency: String = "CHF"
  ) -> PlaceOrderRequest {
    PlaceOrderRequest(
      requestID: requestID, lines: lines, currencyCode: currency, recipient: anyParty.message,
      acceptedTermsVersion: "terms-1")
  }

  static let hosting = OrderLine(planID: "hosting-start", months: 12)
  static let freeMail = OrderLine(planID: "free-mail-personal", months: 12)

  func place(
    _ requestID: String = "place-1", _ lines: [OrderLine] = [hosting]
  ) async throws -> ShopAPI.Order {
    let response = try await orders.placeOrder(Self.placing(requestID, lines), options: options)
    return response.order ?? ShopAPI.Order()
  }

  func pay(_ orderID: String, _ requestID: String = "pay-1") async throws -> ShopAPI.Order {
    let response = try await orders.payOrder(
      PayOrderRequest(requestID: requestID, orderID: orderID, paymentMethod: .prepaid),
      options: options)
    return response.order ?? ShopAPI.Order()
  }

  func cancel(_ orderID: String, _ requestID: String = "cancel-1") async throws -> ShopAPI.Order {
    let response = try await orders.cancelOrder(
      CancelOrderRequest(requestID: requestID, orderID: orderID), options: options)
    return response.order ?? ShopAPI.Order()
  }

  func order(_ orderID: String) async throws -> ShopAPI.Order {
    let response = try await orders.getOrder(
      GetOrderRequest(orderID: orderID), options: options)
    return response.order ?? ShopAPI.Order()
  }

  func allProducts() async throws -> [ShopAPI.Product] {
    try await products.listProducts(ListProductsRequest(), options: options).products
  }
}

/// The error of a call that must fail.
func failure(_ body: () async throws -> Void) async -> RPCError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? RPCError
  }
}
