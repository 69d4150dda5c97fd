import AccountingDomain
import SharedDomain

/// Repeatable random numbers (SplitMix64), so that a failing run can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

/// A digest that is good enough for tests of the domain: FNV-1a, four lanes, 32 bytes.
let testDigest: LedgerDigest = { bytes in
  (0..<4).flatMap { lane -> [UInt8] in
    var hash = 0xcbf2_9ce4_8422_2325 &+ UInt64(lane)
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
  }
}

extension Money {
  static func chf(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: .chf) }
  static func eur(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: .eur) }
}

extension Instant {
  /// 2026-11-22T12:00:00Z.
  static let start = Instant(microseconds: 1_795_348_800_000_000)
}

/// A date that the test knows to exist.
func day(_ text: String) -> CalendarDate {
  guard let date = CalendarDate(text) else { preconditionFailure("no date: \(text)") }
  return date
}

/// A rate that the test knows to exist.
func rate(_ basisPoints: Int64) -> TaxRate {
  guard let rate = TaxRate(basisPoints: basisPoints) else { preconditionFailure("no rate") }
  return rate
}

/// The id with a number in its last places.
func id<Subject>(_ number: UInt64) -> Identifier<Subject> {
  Identifier(UniqueID(at: .start, random: 0, moreRandom: number))
}

/// A recipient.
let sampleParty = Party(
  givenName: "Anna", familyName: "Muster", companyName: "", street: "Dorfstrasse",
  buildingNumber: "7", postalCode: "8000", town: "Zürich", countryCode: "CH", vatNumber: "")

/// A line of one year whose tax follows from its net amount.
func sampleLine(
  net: Int64, currency: Currency = .chf, rate points: Int64 = 810, product: UInt64 = 1
) -> InvoiceLine {
  let amount = Money(minorUnits: net, currency: currency)
  let tax = (try? rate(points).tax(onNet: amount)) ?? .zero(currency)
  return InvoiceLine(
    description: "Web hosting", productID: id(product), periodStart: day("2026-11-22"),
    periodEnd: day("2027-11-22"), net: amount, tax: tax, rate: rate(points))
}

/// The right claim for some lines.
func claim(_ lines: [InvoiceLine], rounds: Bool = false) throws -> ClaimedTotals {
  let totals = try PriceTotals(
    lines: lines.map(\.price), currency: lines.first?.net.currency ?? .chf, roundsToFive: rounds)
  return ClaimedTotals(
    net: totals.net, taxLines: totals.taxLines, tax: totals.tax, rounding: totals.rounding,
    total: totals.total)
}

/// A top-up of the given amount that waits for the provider.
func sampleTopUp(_ amount: Money, number: UInt64 = 1) throws -> TopUp {
  try TopUp.create(
    id: id(number), organizationID: id(1), userID: id(1), amount: amount, method: .card,
    provider: .sandbox, at: .start
  ).submitted()
}
