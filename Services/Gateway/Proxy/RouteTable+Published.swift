internal import AccountingAPI
internal import IdentityAPI
internal import OrganizationsAPI
internal import ShopAPI

extension RouteTable {
  /// The public services of this release, one by one. Services that only other services call are
  /// left out, so that they look as if they did not exist.
  package static let published = RouteTable([
    .identity: SignUpServiceMethods.all + SessionServiceMethods.all + UserServiceMethods.all,
    .organizations: OrganizationServiceMethods.all,
    .shop: CatalogueServiceMethods.all + OrderServiceMethods.all + ProductServiceMethods.all,
    .accounting: PrepaidServiceMethods.all + TopUpServiceMethods.all
      + ProviderEventServiceMethods.all + SandboxCardServiceMethods.all
      + DueListServiceMethods.all + InvoiceServiceMethods.all,
  ])
}
