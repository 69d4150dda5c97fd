package import SharedDomain

/// One version of the price list (PROD-1): data that an operator edits, never code.
package struct Catalogue: Sendable, Hashable {
  /// Names the content: two contents never share a version.
  package let version: String
  /// The version of the terms that an order has to accept (SHOP-6).
  package let termsVersion: String
  /// The currencies that every plan has prices in.
  package let currencies: [Currency]
  /// Whether the prices include tax, for all of them alike (SHOP-6).
  package let pricesIncludeTax: Bool
  /// The currencies whose totals are rounded to 0.05 (ACC-9).
  package let roundedCurrencies: Set<Currency>
  /// In the order of the file, which the menus keep.
  package let productTypes: [ProductType]
  /// In the order of the file.
  package let plans: [Plan]

  private let typesByID: [ProductTypeID: ProductType]
  private let plansByID: [PlanID: Plan]

  /// Ids are unique and every plan's type exists; ``CatalogueReader`` has checked it.
  package init(
    version: String, termsVersion: String, currencies: [Currency], pricesIncludeTax: Bool,
    roundedCurrencies: Set<Currency>, productTypes: [ProductType], plans: [Plan]
  ) {
    self.version = version
    self.termsVersion = termsVersion
    self.currencies = currencies
    self.pricesIncludeTax = pricesIncludeTax
    self.roundedCurrencies = roundedCurrencies
    self.productTypes = productTypes
    self.plans = plans
    typesByID = Dictionary(productTypes.map { ($0.id, $0) }) { first, _ in first }
    plansByID = Dictionary(plans.map { ($0.id, $0) }) { first, _ in first }
  }

  /// The product type with an id, or nil.
  package func productType(_ id: ProductTypeID) -> ProductType? { typesByID[id] }

  /// The plan with an id, sold or not, or nil.
  package func plan(_ id: PlanID) -> Plan? { plansByID[id] }

  /// The plan and its type, or nil.
  package func offer(_ id: PlanID) -> (plan: Plan, type: ProductType)? {
    guard let plan = plansByID[id], let type = typesByID[plan.productTypeID] else { return nil }
    return (plan, type)
  }
}
