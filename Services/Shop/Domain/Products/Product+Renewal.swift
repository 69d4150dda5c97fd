package import SharedDomain

/// A product's next period and its price at today's catalogue (ACC-3).
package struct Renewal: Sendable, Hashable {
  package let productID: ProductID
  /// What it is, for people.
  package let description: String
  /// The next period; it begins at the present end.
  package let term: BillingTerm
  /// The list price.
  package let price: Money
  package let priceIncludesTax: Bool
  package let taxClass: TaxClass

  package init(
    productID: ProductID, description: String, term: BillingTerm, price: Money,
    priceIncludesTax: Bool, taxClass: TaxClass
  ) {
    self.productID = productID
    self.description = description
    self.term = term
    self.price = price
    self.priceIncludesTax = priceIncludesTax
    self.taxClass = taxClass
  }
}

extension Catalogue {
  /// The next period of a product, or nil where there is none to pay: the product is free, over,
  /// not in service, or this catalogue does not know it.
  package func renewal(of product: Product, on date: CalendarDate) -> Renewal? {
    switch product.state(on: date) {
    case .active, .grace, .blocked: break
    case .pending, .terminated: return nil
    }
    let next = product.term.renewed
    guard !product.terms.isFree, let (plan, type) = offer(product.planID),
      let price = plan.price(product.currency, next.period)
    else { return nil }
    return Renewal(
      productID: product.id,
      description: Self.description(
        product.terms.displayName, product.domainName, next.period),
      term: next, price: price, priceIncludesTax: pricesIncludeTax, taxClass: type.taxClass)
  }
}

extension Product {
  /// The product extended by a paid period, from its old end and not from the day of payment
  /// (ACC-3).
  ///
  /// The dates do not matter here: what was paid in time is extended even where the word of it
  /// comes late. A period of another length sets a new anchor at its start (ACC-7).
  /// - Throws: `productNotRenewable`, `renewalConflict`.
  package func renewed(
    from periodStart: CalendarDate, _ period: BillingPeriod
  ) throws(ShopError) -> Product {
    switch stage {
    case .inService where !terms.isFree: break
    case .inService: throw .productNotRenewable(id, .active)
    case .pending: throw .productNotRenewable(id, .pending)
    case .terminated: throw .productNotRenewable(id, .terminated)
    }
    guard periodStart == term.end else {
      throw .renewalConflict(id, periodStart: periodStart, productEnd: term.end)
    }
    let next =
      period == term.period ? term.renewed : BillingTerm(startingOn: term.end, period: period)
    return Product(
      id: id, organizationID: organizationID, orderID: orderID, productTypeID: productTypeID,
      planID: planID, domainName: domainName, terms: terms, currency: currency, stage: stage,
      term: next, createdAt: createdAt)
  }
}
