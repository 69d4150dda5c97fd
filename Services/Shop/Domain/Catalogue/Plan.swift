package import SharedDomain

/// An offer within a product type.
package struct Plan: Sendable, Hashable {
  package let id: PlanID
  package let productTypeID: ProductTypeID
  /// The name for people, without the type's.
  package let name: String
  /// The ending that the line's domain name must have after one label, such as `co.uk`; nil where
  /// any will do.
  package let domainSuffix: String?
  /// False for a plan that is sold no more, but whose products still renew.
  package let isOffered: Bool
  /// One for each currency of the catalogue and each period of the type, by currency, shortest
  /// first.
  package let prices: [Price]

  package init(
    id: PlanID, productTypeID: ProductTypeID, name: String, domainSuffix: String?,
    isOffered: Bool, prices: [Price]
  ) {
    self.id = id
    self.productTypeID = productTypeID
    self.name = name
    self.domainSuffix = domainSuffix
    self.isOffered = isOffered
    self.prices = prices
  }

  /// The list price of a period, or nil where the plan has none.
  package func price(_ currency: Currency, _ period: BillingPeriod) -> Money? {
    prices.first { $0.period == period && $0.amount.currency == currency }?.amount
  }
}

/// The price of a plan for one billing period in one currency.
package struct Price: Sendable, Hashable {
  package let period: BillingPeriod
  /// With or without tax as the catalogue says (SHOP-6); never negative.
  package let amount: Money

  package init(period: BillingPeriod, amount: Money) {
    self.period = period
    self.amount = amount
  }
}
