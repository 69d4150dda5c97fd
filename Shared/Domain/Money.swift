/// An amount of money: a whole number of minor units of one currency.
///
/// Arithmetic is checked: it throws ``MoneyError`` instead of wrapping around or mixing currencies.
package struct Money: Sendable, Hashable {
  /// The amount in minor units (centimes, cents); negative for a debit.
  package let minorUnits: Int64
  package let currency: Currency

  package init(minorUnits: Int64, currency: Currency) {
    self.minorUnits = minorUnits
    self.currency = currency
  }

  /// Nothing, in the given currency.
  package static func zero(_ currency: Currency) -> Money {
    Money(minorUnits: 0, currency: currency)
  }

  package var isZero: Bool { minorUnits == 0 }
  package var isNegative: Bool { minorUnits < 0 }
  package var isPositive: Bool { minorUnits > 0 }

  /// The sum of two amounts of one currency.
  package func adding(_ other: Money) throws(MoneyError) -> Money {
    try checkCurrency(other)
    let (sum, overflow) = minorUnits.addingReportingOverflow(other.minorUnits)
    guard !overflow else { throw .overflow }
    return Money(minorUnits: sum, currency: currency)
  }

  /// This amount less another of the same currency.
  package func subtracting(_ other: Money) throws(MoneyError) -> Money {
    try checkCurrency(other)
    let (difference, overflow) = minorUnits.subtractingReportingOverflow(other.minorUnits)
    guard !overflow else { throw .overflow }
    return Money(minorUnits: difference, currency: currency)
  }

  /// This amount a whole number of times.
  package func multiplied(by factor: Int64) throws(MoneyError) -> Money {
    let (product, overflow) = minorUnits.multipliedReportingOverflow(by: factor)
    guard !overflow else { throw .overflow }
    return Money(minorUnits: product, currency: currency)
  }

  /// The amount with the opposite sign.
  package func negated() throws(MoneyError) -> Money {
    try Money.zero(currency).subtracting(self)
  }

  /// Whether this amount is less than another of the same currency.
  package func isLess(than other: Money) throws(MoneyError) -> Bool {
    try checkCurrency(other)
    return minorUnits < other.minorUnits
  }

  /// The sum of many amounts; zero of `currency` when there are none.
  package static func sum(
    _ amounts: some Sequence<Money>, _ currency: Currency
  ) throws(MoneyError) -> Money {
    var total = Money.zero(currency)
    for amount in amounts { total = try total.adding(amount) }
    return total
  }

  private func checkCurrency(_ other: Money) throws(MoneyError) {
    guard currency == other.currency else {
      throw .currencyMismatch(currency, other.currency)
    }
  }
}

extension Money: CustomStringConvertible {
  /// The amount for people: `CHF 129.60`.
  package var description: String {
    let magnitude = minorUnits.magnitude
    let per = currency.minorUnitsPerUnit.magnitude
    let cents = magnitude % per
    let sign = minorUnits < 0 ? "-" : ""
    return "\(currency.code) \(sign)\(magnitude / per).\(cents < 10 ? "0" : "")\(cents)"
  }
}

/// Why an amount could not be computed.
package enum MoneyError: Error, Sendable, Hashable {
  /// The result does not fit 64 bits of minor units.
  case overflow
  /// Two amounts of different currencies met.
  case currencyMismatch(Currency, Currency)
}
