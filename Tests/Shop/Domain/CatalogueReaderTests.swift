import SharedDomain
import ShopDomain
import Testing

@Suite("Catalogue file (PROD-1)")
struct CatalogueReaderTests {
  @Test("The catalogue that ships holds all 18 product types in the five groups")
  func standardCatalogue() throws {
    let catalogue = try CatalogueReader.read(StandardCatalogue.text)
    #expect(catalogue.productTypes.count == 18)
    #expect(Set(catalogue.productTypes.map(\.category)) == Set(Category.allCases))
    #expect(catalogue.currencies == [.chf, .eur])
    #expect(catalogue.pricesIncludeTax)
    #expect(catalogue.roundedCurrencies == [.chf])
    for type in catalogue.productTypes {
      let plans = catalogue.plans.filter { $0.productTypeID == type.id }
      #expect((1...4).contains(plans.count), "\(type.id)")
      let expected = type.id.text == "domain-name" ? [12, 24, 36] : [1, 3, 12]
      #expect(type.periods.map(\.months) == expected, "\(type.id)")
      #expect(
        type.cancellationNeedsConfirmation
          == !["ssl-certificate", "white-label"].contains(type.id.text), "\(type.id)")
      for plan in plans {
        #expect(plan.prices.count == 2 * type.periods.count, "\(plan.id)")
        #expect(
          plan.prices.allSatisfy { $0.amount.isZero == (type.id.text == "free-mail") },
          "\(plan.id)")
      }
    }
    #expect(
      catalogue.productTypes.filter(\.domainNameRequired).map(\.id.text).contains("domain-name"))
  }

  @Test("Line endings, comments and blank lines do not matter")
  func layout() throws {
    let plain = try CatalogueReader.read(netCatalogueText)
    let windows = "# a comment\r\n\r\n" + netCatalogueText.replacing("\n", with: "\r\n")
    #expect(try CatalogueReader.read(windows) == plain)
  }

  /// What is changed in the good text, the line that is told, and what the message says.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let replace: String
    let with: String
    let field: String
    let says: String
    var testDescription: String { "\(field) \(says)" }
  }

  static let mistakes = [
    Mistake(
      replace: "version = net-1\n", with: "", field: "[catalogue] version", says: "is missing"),
    Mistake(
      replace: "version = net-1", with: "version = a b", field: "[catalogue] version",
      says: "letters, digits"),
    Mistake(
      replace: "currencies = CHF, EUR", with: "currencies = CHF, USD",
      field: "[catalogue] currencies", says: "names USD"),
    Mistake(
      replace: "prices-include-tax = no", with: "prices-include-tax = maybe",
      field: "[catalogue] prices-include-tax", says: "yes or no"),
    Mistake(
      replace: "terms = terms-1", with: "terms = terms-1\nterms = terms-2",
      field: "[catalogue] terms", says: "twice"),
    Mistake(
      replace: "terms = terms-1", with: "terms = terms-1\nterm = x", field: "[catalogue] term",
      says: "is no key"),
    Mistake(
      replace: "category = mail-and-collaboration", with: "category = mail",
      field: "[type free-mail] category", says: "one of web-and-domain"),
    Mistake(
      replace: "[type free-mail]", with: "[type web-hosting]", field: "[type web-hosting]",
      says: "second time"),
    Mistake(
      replace: "[plan domain-ch]", with: "[plan hosting-start]", field: "[plan hosting-start]",
      says: "second time"),
    Mistake(
      replace: "[plan domain-ch]", with: "[plan Domain CH]", field: "[plan Domain CH]",
      says: "[kind id]"),
    Mistake(
      replace: "[plan domain-ch]", with: "[plan Domain]", field: "[plan Domain]",
      says: "a-z"),
    Mistake(
      replace: "[plan domain-ch]", with: "[plans domain-ch]", field: "[plans domain-ch]",
      says: "is no section"),
    Mistake(
      replace: "type = domain-name\n", with: "type = domains\n", field: "[plan domain-ch] type",
      says: "no [type domains]"),
    Mistake(
      replace: "12: 12.90", with: "12: -12.90", field: "[plan domain-ch] price.CHF",
      says: "negative"),
    Mistake(
      replace: "12: 12.90", with: "12: 12.9", field: "[plan domain-ch] price.CHF",
      says: "two decimals"),
    Mistake(
      replace: "12: 12.90", with: "12: 1000000.01", field: "[plan domain-ch] price.CHF",
      says: "at most"),
    Mistake(
      replace: "12: 12.90", with: "12: 99999999999999999999.00",
      field: "[plan domain-ch] price.CHF", says: "at most"),
    Mistake(
      replace: "12: 12.90", with: "12.90", field: "[plan domain-ch] price.CHF",
      says: "months: amount"),
    Mistake(
      replace: "12: 12.90", with: "12: 12.90, 24: 20.00", field: "[plan domain-ch] price.CHF",
      says: "24 months, which the type"),
    Mistake(
      replace: "price.CHF = 1: 5.75, 12: 119.88", with: "price.CHF = 1: 5.75",
      field: "[plan hosting-start] price.CHF", says: "no price for 12 months"),
    Mistake(
      replace: "price.EUR = 12: 13.90\n", with: "", field: "[plan domain-ch] price.EUR",
      says: "is missing"),
    Mistake(
      replace: "months = 1, 12", with: "months = 12, 1", field: "[type web-hosting] months",
      says: "must rise"),
    Mistake(
      replace: "months = 1, 12", with: "months = 0", field: "[type web-hosting] months",
      says: "1 to 120"),
    Mistake(
      replace: "grace-days = 14", with: "grace-days = 1000", field: "[type domain-name] grace-days",
      says: "0 to 365"),
    Mistake(
      replace: "domain-suffix = ch", with: "domain-suffix = .ch",
      field: "[plan domain-ch] domain-suffix", says: "ending"),
    Mistake(
      replace: "name = .ch", with: "what is this", field: "\"what is this\"", says: "neither"),
    Mistake(
      replace: "[catalogue]\n", with: "", field: "version", says: "before the first [section]"),
    Mistake(
      replace: "[catalogue]\n", with: "[catalogue\n", field: "[catalogue", says: "closing ]"),
  ]

  @Test("A mistake is told with its line and key", arguments: mistakes)
  func mistake(_ mistake: Mistake) throws {
    let text = netCatalogueText.replacing(mistake.replace, with: mistake.with)
    #expect(text != netCatalogueText)
    let error = try #require(throws: CatalogueError.self) { try CatalogueReader.read(text) }
    let problem = try #require(
      error.problems.first { $0.field == mistake.field && $0.explanation.contains(mistake.says) },
      "\(error)")
    #expect(problem.line > 0)
    #expect(error.description.contains("line \(problem.line): "))
  }

  @Test("The line of a mistake is the line of the file")
  func lineNumber() throws {
    let text = "\n# comment\n[catalogue]\nversion = 1\nterms = 1\ncurrencies = XYZ\n"
    let error = try #require(throws: CatalogueError.self) { try CatalogueReader.read(text) }
    #expect(error.problems.contains { $0.line == 6 && $0.field == "[catalogue] currencies" })
  }

  @Test(
    "Whatever the bytes, the reader answers and never traps",
    arguments: [
      "", "=", "[", "]", "[]", "[catalogue]", "[type]", "\u{0}", "[plan a]\n=\n= =", "\r",
    ])
  func hostile(_ text: String) {
    #expect(throws: CatalogueError.self) { try CatalogueReader.read(text) }
  }

  @Test("A file beyond the limit is refused before it is read")
  func size() {
    let text = String(repeating: "#", count: CatalogueReader.sizeLimit + 1)
    #expect(throws: CatalogueError.self) { try CatalogueReader.read(text) }
  }
}
