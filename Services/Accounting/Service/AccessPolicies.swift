internal import AccountingAPI
package import Authentication
internal import RPCCore
package import SharedDomain

/// Who may call what (ORG-3): billing needs `manageBilling`, a provider's report its signature, a
/// charge the shop's certificate.
package enum AccountingAccess {
  /// The policy of every method, by its path.
  package static let policies: [String: AccessPolicy] = [
    [String: AccessPolicy](.permission(.manageBilling), for: PrepaidServiceMethods.all),
    [String: AccessPolicy](.permission(.manageBilling), for: TopUpServiceMethods.all),
    [String: AccessPolicy](.permission(.manageBilling), for: DueListServiceMethods.all),
    [String: AccessPolicy](.permission(.manageBilling), for: InvoiceServiceMethods.all),
    [String: AccessPolicy](.public, for: ProviderEventServiceMethods.all),
    [String: AccessPolicy](.public, for: SandboxCardServiceMethods.all),
    [String: AccessPolicy](.internalOnly, for: ChargeServiceMethods.all),
  ].reduce(into: [:]) { table, part in table.merge(part) { first, _ in first } }

  /// Which services may call each RPC service.
  package static let allowedPeers: [String: Set<ServiceName>] = [
    PrepaidServiceMethods.getPrepaidAccount.service: [.gateway],
    TopUpServiceMethods.createTopUp.service: [.gateway],
    ProviderEventServiceMethods.deliverProviderEvent.service: [.gateway],
    SandboxCardServiceMethods.completeCardPayment.service: [.gateway],
    DueListServiceMethods.payDueItems.service: [.gateway],
    InvoiceServiceMethods.getInvoice.service: [.gateway],
    ChargeServiceMethods.chargeOrder.service: [.shop],
  ]
}
