internal import Authentication
internal import Bootstrap
internal import DatabaseSelection
internal import Logging
internal import OrganizationsService
internal import RPCCore
internal import RPCTransport
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

do {
  // What is configured.
  let configuration = try ServiceConfiguration(
    .organizations, settings: CommonSettings.all(for: .organizations), sources: .process)
  let logger = Logger(configuration)
  let termination = Termination(configuration, logger: logger)
  let clock = try SystemClock(configuration)

  // Where the data is. Once a commit is not known to be durable, nothing more is answered.
  let database = try await ServiceDatabase.open(configuration, logger: logger) {
    Program.end(.organizations, with: $0)
  }
  try await Migrator(OrganizationsServices.migrations).migrate(database)

  // What is served, and to whom.
  let network = try ServiceNetwork(configuration, logger: logger)
  let identity = network.channel(to: .identity)
  let services = OrganizationsServices(
    database: database, clock: clock, identifiers: IdentifierGenerator(clock: clock),
    hashKey: try await ServiceSecrets.requestHashKey(in: database), identity: identity)
  let authentication = AuthenticationInterceptor(
    policies: OrganizationsServices.accessPolicies, registrations: services.registrations,
    identity: identity, checker: services.checker, clock: clock, logger: logger)
  let health = ServingStatus(services: services.registrations.map(\.name))
  let server = try network.server(
    services.registrations, health: health,
    allowedPeers: OrganizationsServices.allowedPeers,
    interceptors: [StorageErrorInterceptor(), authentication])

  // Until the end is requested.
  let run = ServiceRun(configuration, health: health, termination: termination, logger: logger)
  try await run.run(
    server,
    background: [
      network.certificateWatch(termination),
      ServiceRun.Background("deletion of expired answers") {
        try await services.operations.deleteExpiredHourly(logger: logger)
      },
    ])
  await identity.close()
  await database.close()
  await network.close()
} catch {
  Program.end(.organizations, with: error)
}
