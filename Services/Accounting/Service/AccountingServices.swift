internal import AccountingAPI
internal import AccountingStorage
package import Authentication
package import Logging
package import RPCCore
package import SQLCore
package import ServiceStorage
package import SharedDomain
internal import ShopAPI

/// The accounting service, put together: its RPC services, who may call them, and the relay that
/// finishes payments.
package struct AccountingServices: Sendable {
  /// Every RPC service.
  package let registrations: [ServiceRegistration]
  /// The policy of every method, by its path.
  package let accessPolicies: [String: AccessPolicy]
  /// Tells the shop what was paid; the program runs it.
  package let relay: OutboxRelay
  /// The saved answers; the main deletes the expired ones.
  package let operations: OperationStore

  /// - Parameters:
  ///   - database: migrated to `ServiceStorage.migrations` and `AccountingMigrations.all`.
  ///   - shop: where the shop's `RenewalService` is.
  ///   - relayConfiguration: how the relay tries again.
  package init(
    database: any Database, clock: any WallClock, identifiers: IdentifierGenerator,
    shop: any ClientChannel, settings: AccountingSettings, logger: Logger,
    relayConfiguration: OutboxRelay.Configuration = OutboxRelay.Configuration()
  ) {
    let client = RenewalServiceClient(channel: shop)
    let delivery = RenewalDelivery(database: database, clock: clock, client: client)
    let relay = OutboxRelay(
      database: database, clock: clock, logger: logger,
      handlers: [RenewalDelivery.topic: { try await delivery.deliver($0) }],
      configuration: relayConfiguration)
    let books = Books(
      database: database, clock: clock, identifiers: identifiers,
      operations: OperationStore(
        database: database, clock: clock, hashKey: settings.requestHashKey,
        onCommit: { relay.wake() }), settings: settings, logger: logger)
    let dueList = DueListHandler(
      books: books, renewals: RenewalSource(client: client, logger: logger), relay: relay)
    self.relay = relay
    operations = books.operations
    accessPolicies = AccountingAccess.policies
    registrations = [
      ServiceRegistration(prepaidService: PrepaidHandler(books: books)),
      ServiceRegistration(topUpService: TopUpHandler(books: books)),
      ServiceRegistration(providerEventService: ProviderEventHandler(books: books)),
      ServiceRegistration(sandboxCardService: SandboxCardHandler(books: books)),
      ServiceRegistration(dueListService: dueList),
      ServiceRegistration(invoiceService: InvoiceHandler(books: books)),
      ServiceRegistration(chargeService: ChargeHandler(books: books)),
    ]
  }
}

extension AccountingServices {
  /// The schema: the shared tables' and the service's.
  package static let migrations: [Migration] =
    ServiceStorage.migrations + AccountingMigrations.all
}
