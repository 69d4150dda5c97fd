/// The tax class of a product (ACC-9).
package enum TaxClass: String, Sendable, Hashable, CaseIterable {
  case standard = "STANDARD"
  case reduced = "REDUCED"
  case accommodation = "ACCOMMODATION"
}

/// A tax rate in hundredths of a percent: 810 is 8.1 %.
package struct TaxRate: Sendable, Hashable, Comparable {
  package let basisPoints: Int64

  /// The rate, or nil outside 0 to 100 %.
  package init?(basisPoints: Int64) {
    guard (0...10_000).contains(basisPoints) else { return nil }
    self.basisPoints = basisPoints
  }

  private init(swiss basisPoints: Int64) { self.basisPoints = basisPoints }

  package static func < (left: TaxRate, right: TaxRate) -> Bool {
    left.basisPoints < right.basisPoints
  }

  /// The Swiss rate of a class on a day of supply (ACC-9): 8.1, 2.6 and 3.8 % from 2024-01-01,
  /// 7.7, 2.5 and 3.7 % before.
  package static func swiss(_ taxClass: TaxClass, suppliedOn date: CalendarDate) -> TaxRate {
    let current = date.year >= 2024
    switch taxClass {
    case .standard: return TaxRate(swiss: current ? 810 : 770)
    case .reduced: return TaxRate(swiss: current ? 260 : 250)
    case .accommodation: return TaxRate(swiss: current ? 380 : 370)
    }
  }

  /// The tax on a net amount, rounded half up (away from zero) to the minor unit (ACC-9).
  package func tax(onNet net: Money) throws(MoneyError) -> Money {
    try part(of: net, basisPoints, 10_000)
  }

  /// The tax that a gross amount contains, rounded half up to the minor unit (ACC-9).
  package func tax(inGross gross: Money) throws(MoneyError) -> Money {
    try part(of: gross, basisPoints, 10_000 + basisPoints)
  }

  private func part(
    of amount: Money, _ numerator: Int64, _ denominator: Int64
  ) throws(MoneyError) -> Money {
    let scaled = try amount.multiplied(by: numerator)
    let (quotient, remainder) = scaled.minorUnits.quotientAndRemainder(dividingBy: denominator)
    let roundsAway = remainder.magnitude * 2 >= denominator.magnitude
    let step: Int64 = roundsAway ? (scaled.isNegative ? -1 : 1) : 0
    return Money(minorUnits: quotient + step, currency: amount.currency)
  }
}

extension Money {
  /// The nearest multiple of five minor units, for totals paid in cash steps, half up (ACC-9).
  package func roundedToFiveMinorUnits() throws(MoneyError) -> Money {
    let (quotient, remainder) = minorUnits.magnitude.quotientAndRemainder(dividingBy: 5)
    let rounded = (remainder * 2 >= 5 ? quotient + 1 : quotient) * 5
    guard let magnitude = Int64(exactly: rounded) else { throw .overflow }
    return Money(minorUnits: minorUnits < 0 ? -magnitude : magnitude, currency: currency)
  }
}
