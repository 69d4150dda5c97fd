import SharedDomain
import Testing

private func chf(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: .chf) }

@Suite("Money and tax")
struct MoneyTests {
  @Test("amounts of one currency add up, of two are refused, too large ones are an error")
  func arithmetic() throws {
    #expect(try chf(150).adding(chf(-200)) == chf(-50))
    #expect(throws: MoneyError.currencyMismatch(.chf, .eur)) {
      try chf(1).adding(Money(minorUnits: 1, currency: .eur))
    }
    #expect(throws: MoneyError.overflow) { try chf(.max).adding(chf(1)) }
    #expect(throws: MoneyError.overflow) { try chf(.min).negated() }
    #expect(throws: MoneyError.overflow) { try chf(.max).multiplied(by: 2) }
  }

  @Test(
    "an amount is shown with its currency and two decimals",
    arguments: [(12960, "CHF 129.60"), (-5, "CHF -0.05"), (0, "CHF 0.00"), (7, "CHF 0.07")])
  func description(minorUnits: Int64, text: String) {
    #expect(chf(minorUnits).description == text)
  }

  @Test("the smallest amount is shown, not trapped on")
  func smallest() {
    #expect(chf(.min).description == "CHF -92233720368547758.08")
  }

  @Test(
    "ACC-9 a net total gets its tax and is rounded to 0.05",
    arguments: [(11988, 971, 12960, 1), (575, 47, 620, -2)])
  func netVectors(net: Int64, tax: Int64, total: Int64, rounding: Int64) throws {
    let date = try #require(CalendarDate(year: 2026, month: 11, day: 22))
    let rate = TaxRate.swiss(.standard, suppliedOn: date)
    let line = try PricedLine(listPrice: chf(net), includesTax: false, rate: rate)
    #expect(line.tax == chf(tax))
    let totals = try PriceTotals(lines: [line], currency: .chf, roundsToFive: true)
    #expect(totals.total == chf(total))
    #expect(totals.rounding == chf(rounding))
  }

  @Test("ACC-9 a gross price contains its tax")
  func grossVector() throws {
    let date = try #require(CalendarDate(year: 2026, month: 1, day: 1))
    let line = try PricedLine(
      listPrice: chf(12960), includesTax: true, rate: .swiss(.standard, suppliedOn: date))
    #expect(line.tax == chf(971))
    #expect(try line.gross() == chf(12960))
  }

  @Test(
    "ACC-9 the rate follows the day of supply",
    arguments: [
      ("2023-12-31", TaxClass.standard, 770), ("2024-01-01", .standard, 810),
      ("2023-12-31", .reduced, 250), ("2024-01-01", .reduced, 260),
      ("2023-12-31", .accommodation, 370), ("2024-01-01", .accommodation, 380),
    ] as [(String, TaxClass, Int64)])
  func rates(day: String, taxClass: TaxClass, basisPoints: Int64) throws {
    let date = try #require(CalendarDate(day))
    #expect(TaxRate.swiss(taxClass, suppliedOn: date).basisPoints == basisPoints)
  }

  @Test("sums are kept by rate, highest first")
  func byRate() throws {
    let date = try #require(CalendarDate("2026-05-05"))
    let lines = [
      try PricedLine(
        listPrice: chf(1000), includesTax: false, rate: .swiss(.reduced, suppliedOn: date)),
      try PricedLine(
        listPrice: chf(2000), includesTax: false, rate: .swiss(.standard, suppliedOn: date)),
      try PricedLine(
        listPrice: chf(3000), includesTax: false, rate: .swiss(.standard, suppliedOn: date)),
    ]
    let totals = try PriceTotals(lines: lines, currency: .chf, roundsToFive: false)
    #expect(totals.taxLines.map(\.rate.basisPoints) == [810, 260])
    #expect(totals.taxLines.map(\.net.minorUnits) == [5000, 1000])
    #expect(totals.tax == chf(162 + 243 + 26))
    #expect(totals.total == chf(6431))
    #expect(totals.rounding.isZero)
  }

  @Test("property: net, tax and rounding always make the total, and a gross price is kept")
  func property() throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix(seed: seed)
    let date = try #require(CalendarDate("2026-05-05"))
    for _ in 0..<2000 {
      let lines = try (0..<Int.random(in: 0...8, using: &random)).map { _ in
        try PricedLine(
          listPrice: chf(.random(in: 0...1_000_000, using: &random)),
          includesTax: .random(using: &random),
          rate: .swiss(
            TaxClass.allCases.randomElement(using: &random) ?? .standard,
            suppliedOn: date))
      }
      let totals = try PriceTotals(lines: lines, currency: .chf, roundsToFive: true)
      let sum = totals.net.minorUnits + totals.tax.minorUnits + totals.rounding.minorUnits
      #expect(sum == totals.total.minorUnits, "seed \(seed)")
      #expect(totals.total.minorUnits % 5 == 0, "seed \(seed)")
      #expect(totals.rounding.minorUnits.magnitude <= 2, "seed \(seed)")
      #expect(
        totals.taxLines.reduce(0) { $0 + $1.tax.minorUnits } == totals.tax.minorUnits,
        "seed \(seed)")
    }
  }
}

/// A small seeded generator, so that a failing property can be repeated.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
