internal import Authentication
internal import Bootstrap
internal import DatabaseSelection
internal import Logging
internal import RPCCore
internal import RPCTransport
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopDomain
internal import ShopService

do {
  // What is configured.
  let configuration = try ServiceConfiguration(
    .shop, settings: CommonSettings.all(for: .shop) + [Setting<String>.catalogueFile.optional],
    sources: .process)
  let logger = Logger(configuration)
  let termination = Termination(configuration, logger: logger)
  let clock = try SystemClock(configuration)

  // Where the data is. Once a commit is not known to be durable, nothing more is answered.
  let database = try await ServiceDatabase.open(configuration, logger: logger) {
    Program.end(.shop, with: $0)
  }
  try await Migrator(ShopServices.migrations).migrate(database)

  // What is sold.
  let file = CatalogueFile(path: configuration[Setting<String>.catalogueFile.optional])
  let catalogue: Catalogue
  do {
    catalogue = try await CatalogueLoader.load(try file.text(), into: database, clock: clock)
  } catch let error as CatalogueError {
    throw file.failure("\(error)")
  } catch let error as CatalogueConflict {
    throw file.failure("\(error)")
  }
  logger.info(
    "catalogue in force",
    metadata: ["version": "\(catalogue.version)", "terms": "\(catalogue.termsVersion)"])

  // What is served, and to whom.
  let network = try ServiceNetwork(configuration, logger: logger)
  let identity = network.channel(to: .identity)
  let organizations = network.channel(to: .organizations)
  let accounting = network.channel(to: .accounting)
  let services = ShopServices(
    database: database, catalogue: catalogue, clock: clock,
    identifiers: IdentifierGenerator(clock: clock),
    hashKey: try await ServiceSecrets.requestHashKey(in: database), accounting: accounting,
    logger: logger)
  let authentication = AuthenticationInterceptor(
    policies: ShopServices.accessPolicies, registrations: services.registrations,
    identity: identity, organizations: organizations, clock: clock, logger: logger)
  let health = ServingStatus(services: services.registrations.map(\.name))
  let server = try network.server(
    services.registrations, health: health,
    allowedPeers: ShopServices.allowedPeers,
    interceptors: [StorageErrorInterceptor(), authentication])

  // Until the end is requested.
  let run = ServiceRun(configuration, health: health, termination: termination, logger: logger)
  try await run.run(
    server,
    background: [
      network.certificateWatch(termination),
      ServiceRun.Background("relay") { await services.relay.run() },
      ServiceRun.Background("deletion of expired answers") {
        try await services.operations.deleteExpiredHourly(logger: logger)
      },
    ])
  for channel in [identity, organizations, accounting] { await channel.close() }
  await database.close()
  await network.close()
} catch {
  Program.end(.shop, with: error)
}
