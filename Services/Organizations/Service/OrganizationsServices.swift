package import Authentication
internal import IdentityAPI
internal import OrganizationsAPI
internal import OrganizationsStorage
package import RPCCore
package import SQLCore
package import ServiceStorage
package import SharedDomain

/// The organizations service, put together: what a server serves and who may call it.
package struct OrganizationsServices: Sendable {
  /// The RPC services. Who may call what is in ``accessPolicies`` and ``allowedPeers``.
  package let registrations: [ServiceRegistration]
  /// Answers the service's own interceptor: membership from the tables, the session by identity.
  package let checker: AccessChecker
  /// The saved answers; the main deletes the expired ones.
  package let operations: OperationStore

  /// - Parameters:
  ///   - database: migrated by ``migrations``.
  ///   - hashKey: keys the hashes of requests; at least 16 secret bytes, the same on every start.
  ///   - identity: where `SessionVerificationService` is called.
  package init(
    database: any Database, clock: any WallClock, identifiers: IdentifierGenerator,
    hashKey: [UInt8], identity: any ClientChannel
  ) {
    let lookup = AccessLookup(
      database: database, sessions: SessionVerificationServiceClient(channel: identity))
    let operations = OperationStore(database: database, clock: clock, hashKey: hashKey)
    self.operations = operations
    checker = AccessChecker { subject, options in
      try await lookup.find(subject, options).access
    }
    registrations = [
      ServiceRegistration(organizationService: OrganizationHandlers(database: database)),
      ServiceRegistration(
        organizationProvisioningService: ProvisioningHandlers(
          clock: clock, identifiers: identifiers, operations: operations,
          audit: OrganizationsAudit(identifiers: identifiers))),
      ServiceRegistration(accessService: AccessHandlers(lookup: lookup)),
    ]
  }

  /// The schema: the shared tables' and the service's.
  package static let migrations: [Migration] =
    ServiceStorage.migrations + OrganizationsMigrations.all

  /// Which services may call each RPC service; one that is not named is refused.
  package static let allowedPeers: [String: Set<ServiceName>] = [
    OrganizationServiceMethods.getOrganization.service: [.gateway],
    OrganizationProvisioningServiceMethods.createOrganization.service: [.identity],
    AccessServiceMethods.checkAccess.service: [.identity, .shop, .accounting],
  ]
}
