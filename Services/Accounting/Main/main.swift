internal import AccountingDomain
internal import AccountingService
internal import Authentication
internal import Bootstrap
internal import DatabaseSelection
internal import Logging
internal import RPCCore
internal import RPCTransport
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// kontor-accounting: ledger, prepaid accounts, due list, payments, invoices.
do {
  let configuration = try ServiceConfiguration(
    .accounting, settings: AccountingConfiguration.settings, sources: .process)
  let logger = Logger(configuration)
  let termination = Termination(configuration, logger: logger)
  let clock = try SystemClock(configuration)

  // Where the data is. Once a commit is not known to be durable, nothing more is answered.
  let database = try await ServiceDatabase.open(configuration, logger: logger) {
    Program.end(.accounting, with: $0)
  }
  try await Migrator(AccountingServices.migrations).migrate(database)

  // Settings.
  var providerKeys: [PaymentProvider: [UInt8]] = [:]
  if configuration[AccountingConfiguration.sandboxEnabled] {
    providerKeys[.sandbox] =
      try configuration[AccountingConfiguration.sandboxSecret]?.bytes
      ?? SecretFile.secret(configuration.dataFile("sandbox.secret"))
    logger.warning("the sandbox provider is on: top-ups cost nothing")
  }
  let settings = AccountingSettings(
    supplier: AccountingConfiguration.supplier(configuration), providerKeys: providerKeys,
    isSandboxEnabled: configuration[AccountingConfiguration.sandboxEnabled],
    roundsTotals: configuration[AccountingConfiguration.roundsTotals],
    requestHashKey: try await ServiceSecrets.requestHashKey(in: database))

  // Network and services.
  let network = try ServiceNetwork(configuration, logger: logger)
  let identity = network.channel(to: .identity)
  let organizations = network.channel(to: .organizations)
  let shop = network.channel(to: .shop)
  let services = AccountingServices(
    database: database, clock: clock, identifiers: IdentifierGenerator(clock: clock), shop: shop,
    settings: settings, logger: logger)
  let authentication = AuthenticationInterceptor(
    policies: services.accessPolicies, registrations: services.registrations,
    identity: identity, organizations: organizations, clock: clock, logger: logger)
  let health = ServingStatus(of: services.registrations)
  let server = try network.server(
    services.registrations, health: health, allowedPeers: AccountingAccess.allowedPeers,
    interceptors: [StorageErrorInterceptor(), authentication])

  // Run until the end is asked for, then drain.
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
  for channel in [identity, organizations, shop] { await channel.close() }
  await database.close()
  await network.close()
} catch {
  Program.end(.accounting, with: error)
}
