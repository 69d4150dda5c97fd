import Authentication
import Cryptography
import Logging
import OrganizationsAPI
import OrganizationsDomain
import OrganizationsService
import OrganizationsStorage
import RPCCore
import RPCInProcess
import SQLCore
import ServiceStorage
import SharedDomain
import Synchronization
import TestSupport
import Testing

/// A clock that tests set.
final class ManualClock: WallClock {
  private let instant = Mutex(Instant(microseconds: 1_767_000_000_000_000))

  func now() -> Instant { instant.withLock { $0 } }
  func localDate(_ instant: Instant) -> CalendarDate {
    CalendarDate(daysSinceEpoch: Int(instant.microseconds / 86_400_000_000))
  }
  func advance(by duration: Duration) {
    instant.withLock { $0 = $0.advanced(by: duration) }
  }
}

/// The organizations service over a database of the test's driver, with everything around it faked.
struct Fixture {
  let database: any Database
  let clock = ManualClock()
  let identity = FakeIdentity()
  let services: OrganizationsServices
  private let interceptors: [any ServerInterceptor]
  private let signingKey: Ed25519PrivateKey

  init() async throws {
    let database = try await Driver.openDatabase()
    self.database = database
    try await Migrator(OrganizationsServices.migrations).migrate(database)
    services = OrganizationsServices(
      database: database, clock: clock, identifiers: IdentifierGenerator(clock: clock),
      hashKey: try await ServiceSecrets.requestHashKey(in: database), identity: identity)
    let signingKey = try Ed25519PrivateKey(rawRepresentation: Array(repeating: 7, count: 32))
    self.signingKey = signingKey
    let keys = SigningKeyCache(
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) { _ in
      [VerificationKey(id: "k", publicKey: signingKey.publicKey, expiresAt: nil)]
    }
    interceptors = [
      StorageErrorInterceptor(),
      AuthenticationInterceptor(
        policies: OrganizationsServices.accessPolicies, registrations: services.registrations,
        tokens: AccessTokenVerifier(keys: keys, clock: clock), checker: services.checker),
    ]
  }

  /// A channel as another service or the gateway has it.
  func channel(_ peer: String?) -> InProcessChannel {
    InProcessChannel(
      services.registrations, interceptors: interceptors,
      peer: Peer(remoteAddress: "127.0.0.1:1", certificateNames: peer.map { [$0] } ?? []))
  }

  var provisioning: OrganizationProvisioningServiceClient {
    OrganizationProvisioningServiceClient(channel: channel("kontor-identity"))
  }
  var access: AccessServiceClient { AccessServiceClient(channel: channel("kontor-shop")) }
  var client: OrganizationServiceClient {
    OrganizationServiceClient(channel: channel("kontor-gateway"))
  }

  /// Options with a new token of a user.
  func signedIn(
    _ user: UserID, _ session: SessionID = session(1), in organization: OrganizationID? = nil
  ) throws -> CallOptions {
    let now = clock.now()
    let claims = AccessClaims(
      userID: user, sessionID: session, organizationID: organization, issuedAt: now,
      expiresAt: now.advanced(by: .minutes(10)))
    let token = try AccessToken.signed(claims, keyID: "k") { try signingKey.sign($0) }
    return CallOptions(metadata: ["authorization": "Bearer \(token)"])
  }

  /// Founds an organization; answers its id.
  func found(
    _ name: String, by user: UserID, requestID: String? = nil
  ) async throws -> OrganizationID {
    let response = try await provisioning.createOrganization(
      CreateOrganizationRequest(
        requestID: requestID ?? "found-\(name.filter(\.isASCIILetter))-\(user)",
        displayName: name, userID: user.text))
    clock.advance(by: .seconds(1))
    return try #require(OrganizationID(response.organization?.organizationID ?? ""))
  }

  /// Adds a member behind the service's back: the RPCs for it come later.
  func add(
    _ user: UserID, to organization: OrganizationID, _ role: SharedDomain.Role,
    billing: Bool = false, grants: Set<ProductID> = []
  ) async throws {
    let member = Member(
      userID: user, role: role, hasBillingRights: billing, productGrants: grants,
      isLegalRepresentative: false, version: 1, joinedAt: clock.now())
    try await database.write { transaction in
      try OrganizationStore.insert(member, of: organization, in: transaction)
    }
  }

  /// Moves an organization to another state behind the service's back.
  func set(
    _ organization: OrganizationID, _ state: SharedDomain.OrganizationState
  ) async throws {
    try await database.write { transaction in
      try transaction.execute(
        "UPDATE organization SET state = \(state.rawValue) WHERE id = \(organization)")
    }
  }
}

extension Character {
  fileprivate var isASCIILetter: Bool { isASCII && isLetter }
}

/// The error of a call that must fail.
func refusal<Response>(
  _ call: () async throws -> Response, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> RPCError {
  do {
    _ = try await call()
  } catch let error as RPCError {
    return error
  }
  Issue.record("the call succeeded", sourceLocation: sourceLocation)
  throw UnexpectedSuccess()
}

struct UnexpectedSuccess: Error {}
