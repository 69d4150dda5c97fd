/// A currency in which prices are quoted and accounts are kept (ISO 4217).
package enum Currency: String, Sendable, Hashable, CaseIterable {
  case chf = "CHF"
  case eur = "EUR"

  /// The ISO 4217 code, such as `CHF`.
  package var code: String { rawValue }

  /// How many minor units make one unit: 100 centimes, 100 cents.
  package var minorUnitsPerUnit: Int64 { 100 }
}
