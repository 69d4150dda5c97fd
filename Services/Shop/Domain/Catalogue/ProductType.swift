package import SharedDomain

/// A kind of product that the catalogue offers, with its rules (PROD-1).
package struct ProductType: Sendable, Hashable {
  package let id: ProductTypeID
  /// The name for people.
  package let name: String
  /// Where the menus show it.
  package let category: Category
  package let taxClass: TaxClass
  /// The billing periods that every plan of the type has a price for, shortest first.
  package let periods: [BillingPeriod]
  /// Whether a cancellation is confirmed by mail before data is deleted (PROD-3).
  package let cancellationNeedsConfirmation: Bool
  /// Whether an order line must name a domain.
  package let domainNameRequired: Bool
  /// Days in service after an unpaid period's end (PROD-4).
  package let graceDays: Int
  /// Days that data is kept out of service after the days of grace (PROD-4).
  package let blockedDays: Int

  package init(
    id: ProductTypeID, name: String, category: Category, taxClass: TaxClass,
    periods: [BillingPeriod], cancellationNeedsConfirmation: Bool, domainNameRequired: Bool,
    graceDays: Int, blockedDays: Int
  ) {
    self.id = id
    self.name = name
    self.category = category
    self.taxClass = taxClass
    self.periods = periods
    self.cancellationNeedsConfirmation = cancellationNeedsConfirmation
    self.domainNameRequired = domainNameRequired
    self.graceDays = graceDays
    self.blockedDays = blockedDays
  }
}
