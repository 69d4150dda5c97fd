package import Authentication
internal import RPCCore
internal import SharedDomain
internal import ShopAPI

extension ShopServices {
  /// Who may call each of the shop's RPCs.
  package static let accessPolicies: [String: AccessPolicy] = [
    CatalogueServiceMethods.getCatalogue.path: .public,
    CatalogueServiceMethods.listProductTypes.path: .public,
    CatalogueServiceMethods.listPlans.path: .public,
    CatalogueServiceMethods.quoteOrder.path: .public,
    OrderServiceMethods.placeOrder.path: .permission(.placeOrders),
    OrderServiceMethods.getOrder.path: .permission(.placeOrders),
    OrderServiceMethods.listOrders.path: .permission(.placeOrders),
    OrderServiceMethods.cancelOrder.path: .permission(.placeOrders),
    OrderServiceMethods.payOrder.path: .permission(.placeOrders),
    OrderIntakeServiceMethods.createOrder.path: .internalOnly,
    ProductServiceMethods.getProduct.path: .permission(.viewProducts),
    ProductServiceMethods.listProducts.path: .permission(.viewProducts),
    RenewalServiceMethods.listRenewals.path: .internalOnly,
    RenewalServiceMethods.applyRenewals.path: .internalOnly,
  ]
}
