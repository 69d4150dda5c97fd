/// The price of one line, split into net and tax (ACC-9).
package struct PricedLine: Sendable, Hashable {
  package let net: Money
  package let tax: Money
  package let rate: TaxRate

  /// A line whose parts are known already; ``PriceTotals`` does not recompute them.
  package init(net: Money, tax: Money, rate: TaxRate) {
    self.net = net
    self.tax = tax
    self.rate = rate
  }

  /// Splits a price of the price list: tax is rounded half up on each line, the one method
  /// throughout (ACC-9). The gross price of a line stays what the customer was shown (SHOP-6).
  package init(
    listPrice: Money, includesTax: Bool, rate: TaxRate
  ) throws(MoneyError) {
    if includesTax {
      let tax = try rate.tax(inGross: listPrice)
      self.init(net: try listPrice.subtracting(tax), tax: tax, rate: rate)
    } else {
      self.init(net: listPrice, tax: try rate.tax(onNet: listPrice), rate: rate)
    }
  }

  /// Net and tax together.
  package func gross() throws(MoneyError) -> Money { try net.adding(tax) }
}

/// What is owed at one tax rate.
package struct TaxLine: Sendable, Hashable {
  package let rate: TaxRate
  package let net: Money
  package let tax: Money

  package init(rate: TaxRate, net: Money, tax: Money) {
    self.rate = rate
    self.net = net
    self.tax = tax
  }
}

/// The sums of a quote or an invoice: net + tax + rounding = total (ACC-9).
package struct PriceTotals: Sendable, Hashable {
  package let net: Money
  /// One for each rate, highest first.
  package let taxLines: [TaxLine]
  package let tax: Money
  /// What rounding the total to 0.05 added.
  package let rounding: Money
  package let total: Money

  /// Sums lines of one currency; `roundsToFive` rounds the total to a multiple of 0.05.
  package init(
    lines: [PricedLine], currency: Currency, roundsToFive: Bool
  ) throws(MoneyError) {
    var byRate: [TaxRate: (net: Money, tax: Money)] = [:]
    var net = Money.zero(currency)
    var tax = Money.zero(currency)
    for line in lines {
      let sum = byRate[line.rate] ?? (.zero(currency), .zero(currency))
      byRate[line.rate] = (try sum.net.adding(line.net), try sum.tax.adding(line.tax))
      net = try net.adding(line.net)
      tax = try tax.adding(line.tax)
    }
    let exact = try net.adding(tax)
    let total = roundsToFive ? try exact.roundedToFiveMinorUnits() : exact
    self.net = net
    self.taxLines = byRate.sorted { $0.key > $1.key }
      .map { TaxLine(rate: $0.key, net: $0.value.net, tax: $0.value.tax) }
    self.tax = tax
    self.rounding = try total.subtracting(exact)
    self.total = total
  }
}
