import CommonAPI
import GoogleAPI
import RPCCore
import SharedDomain
import Testing

@testable import RequestValidation

@Suite("Request validation")
struct RequestValidationTests {
  private func fields(_ checks: FieldChecks) -> [String] {
    do {
      try checks.finish()
      return []
    } catch {
      for case .badRequest(let badRequest) in error.details {
        return badRequest.fieldViolations.map(\.field)
      }
      return ["no details"]
    }
  }

  @Test("every wrong field of a party is named at once")
  func party() {
    var checks = FieldChecks()
    let party = checks.party(
      BillingParty(
        givenName: "", familyName: "Love\u{0}lace", street: " ", postalCode: "80",
        town: String(repeating: "x", count: 36), countryCode: "ch"), "party")
    #expect(party == nil)
    #expect(
      Set(fields(checks)) == [
        "party.given_name", "party.family_name", "party.street", "party.town",
        "party.country_code",
      ])
  }

  @Test("a good party passes unchanged")
  func goodParty() throws {
    var checks = FieldChecks()
    let message = BillingParty(
      givenName: "Ada", familyName: "Lovelace", street: "Bahnhofstrasse", buildingNumber: "1a",
      postalCode: "8001", town: "Zürich", countryCode: "CH")
    let checked = checks.party(message, "party")
    let party = try #require(checked)
    #expect(fields(checks).isEmpty)
    #expect(party.message == message)
    #expect(party.organizationName == "Ada Lovelace")
  }

  @Test(
    "an amount that is missing, not positive or in another currency is named",
    arguments: [
      (nil, "amount"), (CommonAPI.Money(currencyCode: "CHF", minorUnits: 0), "amount.minor_units"),
      (CommonAPI.Money(currencyCode: "CHF", minorUnits: .min), "amount.minor_units"),
      (CommonAPI.Money(currencyCode: "XXX", minorUnits: 1), "amount.currency_code"),
      (CommonAPI.Money(currencyCode: "chf", minorUnits: 1), "amount.currency_code"),
    ] as [(CommonAPI.Money?, String)])
  func money(value: CommonAPI.Money?, field: String) {
    var checks = FieldChecks()
    #expect(checks.money(value, "amount") == nil)
    #expect(fields(checks) == [field])
  }

  @Test(
    "a day that the calendar lacks is refused",
    arguments: [(2026, 2, 29), (0, 1, 1), (2026, 13, 1), (Int32.max, Int32.min, -1)]
      as [(Int32, Int32, Int32)])
  func dates(year: Int32, month: Int32, day: Int32) {
    var checks = FieldChecks()
    #expect(checks.date(CommonAPI.Date(year: year, month: month, day: day), "day") == nil)
    #expect(fields(checks) == ["day"])
  }

  @Test("a page token returns its key for the same filter only")
  func pages() {
    var checks = FieldChecks()
    let first = Page(size: 0, token: "", filter: ["a\u{0}"], keyCount: 2, &checks)
    #expect(first.limit == 50)
    #expect(first.after == nil)
    let token = first.nextToken(after: ["2026-01-01", "\u{1}\u{0}ü"])
    let second = Page(size: 7, token: token, filter: ["a\u{0}"], keyCount: 2, &checks)
    #expect(second.after == ["2026-01-01", "\u{1}\u{0}ü"])
    #expect(second.limit == 7)
    #expect(fields(checks).isEmpty)
    _ = Page(size: 101, token: token, filter: ["b"], keyCount: 2, &checks)
    #expect(fields(checks) == ["page_size", "page_token"])
  }

  @Test("a page's key is read, and a token with another kind of key refused")
  func pageKeys() {
    var checks = FieldChecks()
    let first = Page(size: 2, token: "", filter: [], keyCount: 1, &checks)
    #expect(first.key(&checks) { Int($0[0]) } == nil)
    #expect(fields(checks).isEmpty)
    let next = Page(
      size: 2, token: first.nextToken(after: ["7"]), filter: [], keyCount: 1, &checks)
    #expect(next.key(&checks) { Int($0[0]) } == 7)
    #expect(fields(checks).isEmpty)
    let other = Page(
      size: 2, token: first.nextToken(after: ["x"]), filter: [], keyCount: 1, &checks)
    #expect(other.key(&checks) { Int($0[0]) } == nil)
    #expect(fields(checks) == ["page_token"])
  }

  @Test("rows are cut to the page, with a token only where more were read")
  func pageCut() {
    var checks = FieldChecks()
    let page = Page(size: 2, token: "", filter: ["a"], keyCount: 1, &checks)
    for rows in [[], [1], [1, 2]] as [[Int]] {
      let (shown, token) = page.cut(rows) { [String($0)] }
      #expect(Array(shown) == rows && token.isEmpty)
    }
    let (shown, token) = page.cut([1, 2, 3]) { [String($0)] }
    #expect(Array(shown) == [1, 2])
    #expect(Page(size: 2, token: token, filter: ["a"], keyCount: 1, &checks).after == ["2"])
    #expect(fields(checks).isEmpty)
  }

  @Test(
    "a token that was made up is refused",
    arguments: ["0", "zz", "00ff", "01", "ff00", "4100", String(repeating: "00", count: 4096)])
  func madeUpTokens(token: String) {
    var checks = FieldChecks()
    _ = Page(size: 1, token: token, filter: ["x"], keyCount: 1, &checks)
    #expect(fields(checks) == ["page_token"])
  }

  @Test("what was checked comes out unwrapped, or every violation is thrown")
  func values() throws {
    var checks = FieldChecks()
    let good = checks.currency("CHF", "currency_code")
    let date = checks.date(CommonAPI.Date(year: 2027, month: 2, day: 28), "day")
    let (currency, day) = try checks.values(good, date)
    #expect(currency == .chf && day.text == "2027-02-28")
    let missing: UserID? = checks.identifier("", "user_id")
    let unknown = checks.currency("XXX", "currency_code")
    #expect(fields(checks) == ["user_id", "currency_code"])
    #expect(throws: RPCError.self) { try checks.values(currency, missing, unknown) }
  }

  @Test("instants before and after the epoch keep their microseconds on the wire")
  func timestamps() {
    for microseconds in [0, 1, -1, 1_700_000_000_123_456, -1_700_000_000_123_456] as [Int64] {
      let instant = Instant(microseconds: microseconds)
      #expect((0..<1_000_000_000).contains(instant.timestamp.nanos))
      #expect(Instant(instant.timestamp) == instant)
    }
    #expect(Instant(Timestamp(seconds: .max, nanos: 0)) == nil)
    #expect(Instant(Timestamp(seconds: 0, nanos: -1)) == nil)
  }
}
