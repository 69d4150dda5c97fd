package import Authentication
internal import OrganizationsAPI
internal import RPCCore
internal import SharedDomain

extension OrganizationsServices {
  /// Who may call each RPC of the service.
  package static let accessPolicies: [String: AccessPolicy] = [
    // The caller's own organizations, whichever is the active one.
    OrganizationServiceMethods.getOrganization.path: .authenticated,
    OrganizationServiceMethods.listOrganizations.path: .authenticated,
    OrganizationServiceMethods.listAuditEntries.path: .permission(.administerOrganization),
    OrganizationProvisioningServiceMethods.createOrganization.path: .internalOnly,
    AccessServiceMethods.checkAccess.path: .internalOnly,
  ]
}
