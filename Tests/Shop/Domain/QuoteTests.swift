import SharedDomain
import ShopDomain
import Testing

@Suite("Quotes (SHOP-4, SHOP-6, ACC-9)")
struct QuoteTests {
  let net: Catalogue
  let gross: Catalogue
  let today = day("2026-03-01")

  init() throws {
    net = try CatalogueReader.read(netCatalogueText)
    gross = try CatalogueReader.read(grossCatalogueText)
  }

  func line(_ plan: String, _ months: Int, _ domain: String = "") -> RequestedLine {
    RequestedLine(planID: plan, months: months, domainName: domain)
  }

  @Test(
    "The vectors of ACC-9, from net prices",
    arguments: [
      (12, 11_988, 971, 12_960, 1), (1, 575, 47, 620, -2),
    ] as [(Int, Int64, Int64, Int64, Int64)])
  func vectors(_ months: Int, _ netPrice: Int64, _ tax: Int64, _ total: Int64, _ rounding: Int64)
    throws
  {
    let quote = try net.quote([line("hosting-start", months)], in: .chf, on: today)
    #expect(quote.totals.net == chf(netPrice))
    #expect(quote.totals.tax == chf(tax))
    #expect(quote.totals.total == chf(total))
    #expect(quote.totals.rounding == chf(rounding))
    #expect(quote.catalogueVersion == "net-1")
  }

  @Test("Euro totals are not rounded to 0.05")
  func euro() throws {
    let quote = try net.quote([line("hosting-start", 12)], in: .eur, on: today)
    #expect(quote.totals.total == Money(minorUnits: 12_959, currency: .eur))
    #expect(quote.totals.rounding.isZero)
  }

  @Test("A price with tax stays what the customer was shown (SHOP-6)")
  func grossPrice() throws {
    let quote = try gross.quote([line("hosting-start", 12)], in: .eur, on: today)
    #expect(quote.totals.total.minorUnits == 11_988)
    #expect(quote.totals.tax.minorUnits == 898)
    #expect(quote.totals.net.minorUnits == 11_090)
  }

  @Test("The rate is that of the day on which the supply begins (ACC-9)")
  func oldRate() throws {
    let quote = try net.quote([line("hosting-start", 12)], in: .eur, on: day("2023-12-31"))
    #expect(quote.lines[0].price.rate.basisPoints == 770)
  }

  @Test("Tax is rounded on each line and then summed")
  func perLine() throws {
    let quote = try net.quote(
      [line("hosting-start", 1), line("hosting-start", 1)], in: .chf, on: today)
    #expect(quote.totals.tax == chf(94))
    #expect(quote.totals.taxLines.count == 1)
    #expect(quote.totals.total == chf(1245))
  }

  @Test("A line says what it is, and keeps what the catalogue says of its product")
  func description() throws {
    let quote = try net.quote([line("domain-ch", 12, "Example.CH")], in: .chf, on: today)
    let only = try #require(quote.lines.first)
    #expect(only.description == "Domain name .ch, example.ch, 12 months")
    #expect(only.domainName?.text == "example.ch")
    #expect(only.terms.graceDays == 14)
    #expect(only.terms.blockedDays == 40)
    #expect(!only.terms.isFree)
    let free = try net.quote([line("free-mail-personal", 12)], in: .chf, on: today)
    #expect(free.lines[0].terms.isFree)
    #expect(free.totals.total.isZero)
  }

  static let badLines: [(RequestedLine, LineProblem.Kind)] = [
    (
      RequestedLine(planID: "no-such-plan", months: 1, domainName: ""),
      .unknownPlan("no-such-plan")
    ),
    (RequestedLine(planID: "", months: 1, domainName: ""), .unknownPlan("")),
    (
      RequestedLine(planID: "hosting-start", months: 3, domainName: ""),
      .unknownPeriod(3, offered: [1, 12])
    ),
    (
      RequestedLine(planID: "hosting-start", months: -1, domainName: ""),
      .unknownPeriod(-1, offered: [1, 12])
    ),
    (
      RequestedLine(planID: "hosting-start", months: 1, domainName: "nonsense"),
      .domainNameMalformed(.noTopLevelDomain)
    ),
    (
      RequestedLine(planID: "domain-ch", months: 12, domainName: "example.com"),
      .domainNameEnding("ch")
    ),
    (
      RequestedLine(planID: "domain-ch", months: 12, domainName: "www.example.ch"),
      .domainNameEnding("ch")
    ),
  ]

  @Test("Every bad line is named", arguments: badLines)
  func badLine(_ bad: RequestedLine, _ kind: LineProblem.Kind) {
    #expect(throws: ShopError.linesRefused([LineProblem(index: 1, kind)])) {
      try net.quote([line("hosting-start", 1), bad], in: .chf, on: today)
    }
  }

  @Test("All that is wrong is told at once")
  func allProblems() throws {
    let type = try #require(ProductTypeID("domain-name"))
    let old = try #require(PlanID("hosting-old"))
    let name = try DomainName("a.ch")
    #expect(
      throws: ShopError.linesRefused([
        LineProblem(index: 0, .unknownPeriod(7, offered: [12])),
        LineProblem(index: 0, .domainNameMissing(type)),
        LineProblem(index: 1, .planNotOffered(old)),
        LineProblem(index: 3, .domainNameTwice(name, line: 2)),
      ])
    ) {
      try net.quote(
        [
          line("domain-ch", 7), line("hosting-old", 1), line("domain-ch", 12, "a.ch"),
          line("domain-ch", 12, "A.CH"),
        ], in: .chf, on: today)
    }
  }

  @Test("A domain and the hosting for it are one order")
  func sameNameOtherType() throws {
    let quote = try net.quote(
      [line("domain-ch", 12, "a.ch"), line("hosting-start", 12, "a.ch")], in: .chf, on: today)
    #expect(quote.lines.count == 2)
  }

  @Test("An order has 1 to 50 lines", arguments: [0, 51])
  func lineCount(_ count: Int) {
    #expect(throws: ShopError.lineCount(count)) {
      try net.quote(
        Array(repeating: line("hosting-start", 1), count: count), in: .chf, on: today)
    }
  }

  @Test("A currency that the catalogue has no prices in is refused")
  func currency() throws {
    let text = netCatalogueText.replacing("currencies = CHF, EUR", with: "currencies = CHF")
      .split(separator: "\n").filter { !$0.hasPrefix("price.EUR") }.joined(separator: "\n")
    let catalogue = try CatalogueReader.read(text)
    #expect(throws: ShopError.currencyNotOffered(.eur, offered: [.chf])) {
      try catalogue.quote([line("hosting-start", 1)], in: .eur, on: today)
    }
  }
}

@Suite("Domain names")
struct DomainNameTests {
  @Test(
    "Letters, digits and hyphens are taken, in lower case",
    arguments: [
      ("example.ch", "example.ch"), ("EXAMPLE.Co.UK", "example.co.uk"), ("a-b.c1", "a-b.c1"),
      ("xn--bcher-kva.ch", "xn--bcher-kva.ch"), ("1.ch", "1.ch"), ("a.xn--p1ai", "a.xn--p1ai"),
    ])
  func good(_ name: String, _ text: String) throws {
    #expect(try DomainName(name).text == text)
  }

  static let longLabel = String(repeating: "a", count: 64) + ".ch"
  static let longName = String(repeating: "a.", count: 126) + "ch"

  @Test(
    "Anything else is refused with its reason",
    arguments: [
      ("example", .noTopLevelDomain), ("", .noTopLevelDomain), ("example.", .labelLength),
      (".ch", .labelLength), ("a..ch", .labelLength), (longLabel, .labelLength),
      (longName, .tooLong), ("-a.ch", .hyphenAtEnd), ("a-.ch", .hyphenAtEnd),
      ("a_b.ch", .character), ("a b.ch", .character), ("a.ch\n", .character),
      ("a\u{0}.ch", .character), ("bücher.ch", .notASCII), ("1.2.3.4", .noTopLevelDomain),
      ("a.c", .noTopLevelDomain), ("https://a.ch", .character),
    ] as [(String, DomainNameProblem)])
  func bad(_ name: String, _ problem: DomainNameProblem) {
    #expect(throws: problem) { try DomainName(name) }
  }
}
