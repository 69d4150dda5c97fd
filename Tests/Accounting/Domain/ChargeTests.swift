import AccountingDomain
import SharedDomain
import Testing

@Suite("ACC-9 sums and charges")
struct ChargeTests {
  private func charge(
    _ lines: [InvoiceLine], _ claimed: ClaimedTotals
  ) throws -> OrderCharge {
    try OrderCharge(
      organizationID: id(1), orderID: id(1), userID: id(1), recipient: sampleParty, lines: lines,
      claimed: claimed)
  }

  @Test(
    "ACC-9 vectors: net, tax, rounding and total",
    arguments: [(11_988, 971, 1, 12_960), (575, 47, -2, 620)] as [(Int64, Int64, Int64, Int64)])
  func vectors(net: Int64, tax: Int64, rounding: Int64, total: Int64) throws {
    let line = sampleLine(net: net)
    let charge = try charge([line], try claim([line], rounds: true))
    #expect(charge.totals.tax == .chf(tax))
    #expect(charge.totals.rounding == .chf(rounding))
    #expect(charge.totals.total == .chf(total))
    let exact = try self.charge([line], try claim([line]))
    #expect(exact.totals.total == .chf(net + tax) && exact.totals.rounding.isZero)
  }

  @Test("ACC-9 vector: gross 129.60 contains 9.71")
  func gross() throws {
    let renewal = Renewal(
      productID: id(1), description: "", periodStart: day("2026-12-01"),
      periodEnd: day("2027-12-01"), months: 12, listPrice: .chf(12_960), priceIncludesTax: true,
      taxClass: .standard)
    let line = try renewal.line()
    #expect(line.tax == .chf(971) && line.net == .chf(11_989) && line.rate == rate(810))
    #expect(try charge([line], try claim([line])).totals.total == .chf(12_960))
  }

  @Test("the rate is that of the supply period")
  func supplyPeriod() throws {
    let old = Renewal(
      productID: id(1), description: "", periodStart: day("2023-12-31"),
      periodEnd: day("2024-12-31"), months: 12, listPrice: .chf(10_000), priceIncludesTax: false,
      taxClass: .reduced)
    #expect(try old.line().rate == rate(250))
    #expect(try old.line().tax == .chf(250))
  }

  @Test(
    "every gross price of the list is accepted as split",
    arguments: [7, 20_261_122, UInt64.random(in: 0...UInt64.max)])
  func grossProperty(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let renewal = Renewal(
        productID: id(1), description: "", periodStart: day("2026-12-01"),
        periodEnd: day("2027-12-01"), months: 12,
        listPrice: .chf(Int64.random(in: 1...1_000_000, using: &random)), priceIncludesTax: true,
        taxClass: TaxClass.allCases.randomElement(using: &random) ?? .standard)
      let line = try renewal.line()
      #expect(
        try charge([line], try claim([line])).totals.total == renewal.listPrice, "seed \(seed)")
    }
  }

  /// The right claim with one value changed, and the field that is named for it.
  @Test("a claim that does not follow from the lines names the field")
  func mismatch() throws {
    let lines = [sampleLine(net: 11_988), sampleLine(net: 575, rate: 260)]
    let right = try claim(lines)
    func changed(
      net: Money? = nil, taxLines: [TaxLine]? = nil, tax: Money? = nil, rounding: Money? = nil,
      total: Money? = nil
    ) -> ClaimedTotals {
      ClaimedTotals(
        net: net ?? right.net, taxLines: taxLines ?? right.taxLines, tax: tax ?? right.tax,
        rounding: rounding ?? right.rounding, total: total ?? right.total)
    }
    let cases: [(ClaimedTotals, String)] = [
      (changed(net: .chf(12_562)), "totals.net"), (changed(tax: .chf(985)), "totals.tax"),
      (changed(rounding: .chf(2)), "totals.rounding"), (changed(total: .chf(1)), "totals.total"),
      (changed(rounding: .chf(1)), "totals.total"),
      (changed(net: .eur(12_563)), "totals.net"), (changed(taxLines: []), "totals.tax_lines"),
      (
        changed(taxLines: right.taxLines.reversed()), "totals.tax_lines[0].rate_basis_points"
      ),
      (
        changed(taxLines: [
          TaxLine(rate: rate(810), net: .chf(1), tax: .chf(971)), right.taxLines[1],
        ]), "totals.tax_lines[0].net"
      ),
    ]
    let nothing = sampleLine(net: 0)
    #expect {
      try charge([nothing], try claim([nothing]))
    } throws: { error in
      guard case AccountingError.chargeMismatch("totals.total", _, _) = error else { return false }
      return true
    }
    for (claimed, field) in cases {
      #expect {
        try charge(lines, claimed)
      } throws: { error in
        guard case AccountingError.chargeMismatch(let found, _, _) = error else { return false }
        return found == field
      }
    }
  }

  @Test("a wrong line names its field")
  func wrongLine() throws {
    func line(
      net: Money = .chf(1000), tax: Money = .chf(81), rate points: Int64 = 810,
      end: String = "2027-11-22"
    ) -> InvoiceLine {
      InvoiceLine(
        description: "", productID: nil, periodStart: day("2026-11-22"), periodEnd: day(end),
        net: net, tax: tax, rate: rate(points))
    }
    let cases: [(InvoiceLine, String)] = [
      (line(net: .eur(1000)), "lines[0].net.currency_code"),
      (line(tax: .eur(81)), "lines[0].tax.currency_code"),
      (line(net: .chf(-1)), "lines[0].net"), (line(tax: .chf(83)), "lines[0].tax"),
      (line(tax: .chf(-81)), "lines[0].tax"),
      (line(rate: 770), "lines[0].tax_rate_basis_points"),
      (line(end: "2026-11-22"), "lines[0].period_end"),
    ]
    let totals = ClaimedTotals(
      net: .chf(1000), taxLines: [], tax: .chf(81), rounding: .chf(0), total: .chf(1081))
    for (line, field) in cases {
      #expect {
        try charge([line], totals)
      } throws: { error in
        guard case AccountingError.chargeMismatch(let found, _, _) = error else { return false }
        return found == field
      }
    }
  }

  @Test("amounts that overflow are refused, never trapped")
  func overflow() throws {
    let line = InvoiceLine(
      description: "", productID: nil, periodStart: day("2026-11-22"),
      periodEnd: day("2027-11-22"), net: .chf(.max), tax: .chf(1), rate: rate(810))
    let totals = ClaimedTotals(
      net: .chf(.max), taxLines: [], tax: .chf(1), rounding: .chf(0), total: .chf(.max))
    #expect(throws: AccountingError.amountOverflow) { try charge([line], totals) }
  }

  @Test("invoice numbers are padded to six digits")
  func numbers() {
    #expect(InvoiceNumber(year: 2026, value: 17).text == "2026-000017")
    #expect(InvoiceNumber(year: 2026, value: 1_234_567).text == "2026-1234567")
  }
}
