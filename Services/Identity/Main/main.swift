internal import Bootstrap
internal import Cryptography
internal import DatabaseSelection
internal import IdentityService
internal import Logging
internal import Notices
internal import RPCCore
internal import RPCTransport
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

do {
  // What is configured.
  let configuration = try ServiceConfiguration(
    .identity,
    settings: CommonSettings.all(for: .identity) + [
      Setting<String>.mailFolder, Setting<String>.mailFrom, Setting<Int>.passwordThreads,
    ], sources: .process)
  let logger = Logger(configuration)
  let termination = Termination(configuration, logger: logger)
  let clock = try SystemClock(configuration)

  // Where the data is. Once a commit is not known to be durable, nothing more is answered.
  let database = try await ServiceDatabase.open(configuration, logger: logger) {
    Program.end(.identity, with: $0)
  }
  try await Migrator(IdentityServices.migrations).migrate(database)

  // What is served, and to whom.
  let network = try ServiceNetwork(configuration, logger: logger)
  let organizations = network.channel(to: .organizations)
  let shop = network.channel(to: .shop)
  let services = try await IdentityServices(
    database: database, clock: clock,
    passwords: PasswordHasher(
      threads: configuration[.passwordThreads], queueCapacity: passwordQueueCapacity),
    peers: IdentityServices.Peers(
      organizations: organizations, shop: shop,
      mail: FolderMailTransport(folder: configuration[.mailFolder]),
      mailSender: configuration[.mailFrom]),
    logger: logger)
  let health = ServingStatus(services: services.registrations.map(\.name))
  let server = try network.server(
    services.registrations, health: health,
    allowedPeers: IdentityAccess.allowedPeers,
    interceptors: services.interceptors)

  // Until the end is requested.
  let run = ServiceRun(configuration, health: health, termination: termination, logger: logger)
  try await run.run(
    server,
    background: [
      network.certificateWatch(termination),
      ServiceRun.Background("the outbox") { await services.relay.run() },
      ServiceRun.Background("housekeeping") { await services.keepHouse() },
    ])
  await organizations.close()
  await shop.close()
  await database.close()
  await network.close()
} catch {
  Program.end(.identity, with: error)
}
