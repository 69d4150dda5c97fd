package import SharedDomain

/// A product to order, as it was asked for.
package struct RequestedLine: Sendable, Hashable {
  package let planID: String
  package let months: Int
  /// Empty where none was given.
  package let domainName: String

  package init(planID: String, months: Int, domainName: String) {
    self.planID = planID
    self.months = months
    self.domainName = domainName
  }
}

/// An order line with its price, and with what the catalogue says of the product it makes.
package struct QuoteLine: Sendable, Hashable {
  package let planID: PlanID
  package let productTypeID: ProductTypeID
  package let period: BillingPeriod
  package let domainName: DomainName?
  /// What the line is, for people: type, plan, domain name, months.
  package let description: String
  package let price: PricedLine
  package let terms: ProductTerms

  package init(
    planID: PlanID, productTypeID: ProductTypeID, period: BillingPeriod, domainName: DomainName?,
    description: String, price: PricedLine, terms: ProductTerms
  ) {
    self.planID = planID
    self.productTypeID = productTypeID
    self.period = period
    self.domainName = domainName
    self.description = description
    self.price = price
    self.terms = terms
  }
}

/// What a product keeps of the catalogue that it was ordered from, so that it stays what was sold.
package struct ProductTerms: Sendable, Hashable {
  package let category: Category
  /// Type and plan, for people.
  package let displayName: String
  /// See ``ProductType/graceDays``.
  package let graceDays: Int
  /// See ``ProductType/blockedDays``.
  package let blockedDays: Int
  /// Whether the list price is zero: such a product renews by itself and is never due.
  package let isFree: Bool

  package init(
    category: Category, displayName: String, graceDays: Int, blockedDays: Int, isFree: Bool
  ) {
    self.category = category
    self.displayName = displayName
    self.graceDays = graceDays
    self.blockedDays = blockedDays
    self.isFree = isFree
  }
}

/// What lines cost at one version of the catalogue (SHOP-4).
package struct Quote: Sendable, Hashable {
  package let currency: Currency
  package let catalogueVersion: String
  /// 1 to ``lineLimit``, in the order they were asked for.
  package let lines: [QuoteLine]
  /// Whether the total was rounded to 0.05 (ACC-9).
  package let roundsToFive: Bool
  package let totals: PriceTotals

  /// The most lines of an order.
  package static let lineLimit = 50

  /// Sums the lines up.
  package init(
    currency: Currency, catalogueVersion: String, lines: [QuoteLine], roundsToFive: Bool
  ) throws(MoneyError) {
    self.currency = currency
    self.catalogueVersion = catalogueVersion
    self.lines = lines
    self.roundsToFive = roundsToFive
    totals = try PriceTotals(
      lines: lines.map(\.price), currency: currency, roundsToFive: roundsToFive)
  }
}

/// What is wrong with one line of an order.
package struct LineProblem: Sendable, Hashable {
  /// What was wrong.
  package enum Kind: Sendable, Hashable {
    case unknownPlan(String)
    /// The plan is sold no more.
    case planNotOffered(PlanID)
    /// The plan has no price for so many months; it has for these.
    case unknownPeriod(Int, offered: [Int])
    case domainNameMissing(ProductTypeID)
    case domainNameMalformed(DomainNameProblem)
    /// The name must be one label in front of this ending.
    case domainNameEnding(String)
    /// An earlier line of the same product type has the name.
    case domainNameTwice(DomainName, line: Int)
  }

  /// The line, counted from 0.
  package let index: Int
  package let kind: Kind

  package init(index: Int, _ kind: Kind) {
    self.index = index
    self.kind = kind
  }
}
