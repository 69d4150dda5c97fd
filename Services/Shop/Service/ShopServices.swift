internal import AccountingAPI
package import Logging
package import RPCCore
package import SQLCore
package import ServiceStorage
package import SharedDomain
internal import ShopAPI
package import ShopDomain
internal import ShopStorage

/// The shop, put together: what a server serves and what runs beside it.
package struct ShopServices: Sendable {
  /// The RPC services. Who may call what is in ``accessPolicies`` and ``allowedPeers``.
  package let registrations: [ServiceRegistration]
  /// Repeats the charges whose outcome is awaited; the main runs it.
  package let relay: OutboxRelay
  /// The saved answers; the main deletes the expired ones.
  package let operations: OperationStore

  /// - Parameters:
  ///   - database: migrated by ``migrations``, the catalogue loaded by ``CatalogueLoader``.
  ///   - hashKey: keys the hashes of requests; at least 16 secret bytes, the same on every start.
  ///   - accounting: where `ChargeService` is called.
  package init(
    database: any Database, catalogue: Catalogue, clock: any WallClock,
    identifiers: IdentifierGenerator, hashKey: [UInt8], accounting: any ClientChannel,
    relayConfiguration: OutboxRelay.Configuration = OutboxRelay.Configuration(), logger: Logger
  ) {
    let audit = ShopAudit(identifiers: identifiers)
    let charging = OrderCharging(
      database: database, clock: clock, accounting: ChargeServiceClient(channel: accounting),
      audit: audit, logger: logger)
    let relay = OutboxRelay(
      database: database, clock: clock, logger: logger,
      handlers: [OrderCharging.topic: { message in try await charging.settle(message) }],
      configuration: relayConfiguration)
    let operations = OperationStore(
      database: database, clock: clock, hashKey: hashKey, onCommit: { relay.wake() })
    let payments = OrderPayments(
      database: database, clock: clock, identifiers: identifiers, relay: relay,
      charging: charging, logger: logger)
    self.relay = relay
    self.operations = operations
    registrations = [
      ServiceRegistration(
        catalogueService: CatalogueHandler(catalogue: catalogue, clock: clock)),
      ServiceRegistration(
        orderService: OrderHandler(
          database: database, catalogue: catalogue, clock: clock, identifiers: identifiers,
          operations: operations, audit: audit, payments: payments)),
      ServiceRegistration(
        orderIntakeService: OrderIntakeHandler(
          catalogue: catalogue, clock: clock, identifiers: identifiers, operations: operations,
          audit: audit)),
      ServiceRegistration(productService: ProductHandler(database: database, clock: clock)),
      ServiceRegistration(
        renewalService: RenewalHandler(
          database: database, catalogue: catalogue, clock: clock, audit: audit)),
    ]
  }

  /// The schema: the shared tables' and the shop's.
  package static let migrations: [Migration] = ServiceStorage.migrations + ShopMigrations.all

  /// Which services may call each RPC service; one that is not named is refused.
  package static let allowedPeers: [String: Set<ServiceName>] = [
    CatalogueServiceMethods.getCatalogue.service: [.gateway, .identity],
    OrderServiceMethods.placeOrder.service: [.gateway],
    OrderIntakeServiceMethods.createOrder.service: [.identity],
    ProductServiceMethods.getProduct.service: [.gateway],
    RenewalServiceMethods.listRenewals.service: [.accounting],
  ]
}
