internal import Authentication
package import Cryptography
internal import IdentityAPI
internal import IdentityStorage
package import Logging
package import Notices
internal import OrganizationsAPI
package import RPCCore
package import SQLCore
package import ServiceStorage
package import SharedDomain
internal import ShopAPI

/// Identity, put together: what a server offers and what runs beside it.
package struct IdentityServices: Sendable {
  /// The RPC services.
  package let registrations: [ServiceRegistration]
  /// Run around every call, in this order.
  package let interceptors: [any ServerInterceptor]
  /// Sends mails and opens accounts; ``OutboxRelay/run()`` has to run beside the server.
  package let relay: OutboxRelay
  private let housekeeping: Housekeeping
  private let logger: Logger

  /// The migrations of identity's database, the shared tables' included.
  package static let migrations = ServiceStorage.migrations + IdentityMigrations.all

  /// The other services and the world.
  package struct Peers: Sendable {
    let organizations: any ClientChannel
    let shop: any ClientChannel
    let mail: any MailTransport
    /// The address that mails come from.
    let mailSender: String

    package init(
      organizations: any ClientChannel, shop: any ClientChannel, mail: any MailTransport,
      mailSender: String
    ) {
      self.organizations = organizations
      self.shop = shop
      self.mail = mail
      self.mailSender = mailSender
    }
  }

  /// Reads, or makes at first start, the service's keys; the database is migrated before.
  package init(
    database: any Database, clock: any WallClock, passwords: PasswordHasher, peers: Peers,
    random: any RandomSource = SecureRandom(),
    relayConfiguration: OutboxRelay.Configuration = OutboxRelay.Configuration(), logger: Logger
  ) async throws {
    let secrets = try await IdentityKeys.load(from: database, random: random)
    let keys = try await SigningKeyRing(database: database, random: random, clock: clock)
    let identifiers = IdentifierGenerator(clock: clock) { random.word() }
    let wake = RelayWaker()
    let core = IdentityCore(
      database: database, clock: clock, identifiers: identifiers, random: random,
      secrets: secrets, passwords: passwords, keys: keys,
      operations: OperationStore(
        database: database, clock: clock, hashKey: secrets.operationKey,
        onCommit: { wake.wake() }),
      logger: logger)
    let mails = SignUpMails(core: core, transport: peers.mail, sender: peers.mailSender)
    let opening = SignUpOpening(
      core: core,
      provisioning: OrganizationProvisioningServiceClient(channel: peers.organizations),
      orders: OrderIntakeServiceClient(channel: peers.shop))
    let relay = OutboxRelay(
      database: database, clock: clock, logger: logger,
      handlers: [
        SignUpMails.topic: { try await mails.deliver($0) },
        SignUpOpening.topic: { try await opening.deliver($0) },
      ],
      configuration: relayConfiguration, random: { random.word() })
    wake.set(relay)
    self.relay = relay
    self.logger = logger
    housekeeping = Housekeeping(core: core)
    registrations = [
      ServiceRegistration(
        signUpService: SignUpHandlers(
          core: core,
          validation: SignUpValidation(catalogue: CatalogueServiceClient(channel: peers.shop)),
          relay: relay)),
      ServiceRegistration(
        sessionService: SessionHandlers(
          core: core, sources: SourceLimiter(), concurrency: ConcurrentSignInLimiter(),
          access: AccessServiceClient(channel: peers.organizations))),
      ServiceRegistration(userService: UserHandlers(core: core)),
      ServiceRegistration(sessionVerificationService: VerificationHandlers(core: core)),
    ]
    interceptors = [
      StorageErrorInterceptor(),
      Self.authentication(core, registrations: registrations),
    ]
  }

  /// Identity authenticates its callers like every service, with its own keys and sessions.
  private static func authentication(
    _ core: IdentityCore, registrations: [ServiceRegistration]
  ) -> AuthenticationInterceptor {
    AuthenticationInterceptor(
      policies: IdentityAccess.policies, registrations: registrations,
      tokens: AccessTokenVerifier(
        keys: SigningKeyCache(logger: core.logger) { _ in
          core.keys.verificationKeys(at: core.clock.now())
        },
        clock: core.clock),
      checker: AccessChecker { subject, _ in
        Access(
          isSessionActive: try await core.isActive(subject.sessionID, of: subject.userID),
          organization: nil)
      })
  }

  /// Deletes what is obsolete and replaces signing keys, now and every hour, until it is cancelled.
  package func keepHouse() async {
    while !Task.isCancelled {
      do {
        try await tidy()
      } catch {
        logger.error("housekeeping failed", metadata: ["error": "\(type(of: error))"])
      }
      try? await Task.sleep(for: Housekeeping.interval)
    }
  }

  /// One run of ``keepHouse()``.
  package func tidy() async throws {
    try await housekeeping.tidy()
  }
}
