import SharedDomain
import Testing

@Suite("Dates, terms and ids")
struct CalendarTests {
  @Test("every day of 1600 to 2400 goes to its day number and back, one after the other")
  func dayNumbers() throws {
    let first = try #require(CalendarDate(year: 1600, month: 1, day: 1))
    var date = first
    for number in first.daysSinceEpoch..<first.daysSinceEpoch + 292_194 {
      #expect(date.daysSinceEpoch == number)
      #expect(CalendarDate(daysSinceEpoch: number) == date)
      let next = CalendarDate(daysSinceEpoch: number + 1)
      #expect(date < next)
      date = next
    }
    #expect(date.year == 2400)
  }

  @Test("the epoch and the ends of the range are where they belong")
  func landmarks() {
    #expect(CalendarDate(daysSinceEpoch: 0).text == "1970-01-01")
    #expect(CalendarDate(daysSinceEpoch: .min).text == "0001-01-01")
    #expect(CalendarDate(daysSinceEpoch: .max).text == "9999-12-31")
  }

  @Test(
    "text that is no date is refused",
    arguments: [
      "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "0000-01-01", "2026-11-31", "",
      "2026-11-2२", "+026-11-22", "2026/11/22",
    ])
  func refused(text: String) {
    #expect(CalendarDate(text) == nil)
  }

  @Test(
    "ACC-7 a term's end and the opening of its window",
    arguments: [
      ("2023-01-01", 12, "2024-01-01", "2023-12-01"),
      ("2026-01-31", 12, "2027-01-31", "2026-12-31"),
      ("2024-02-29", 12, "2025-02-28", "2025-01-29"),
      ("2026-11-30", 3, "2027-02-28", "2027-01-30"),
    ])
  func terms(start: String, months: Int, end: String, window: String) throws {
    let anchor = try #require(CalendarDate(start))
    let period = try #require(BillingPeriod(months: months))
    let term = BillingTerm(startingOn: anchor, period: period)
    #expect(term.start.text == start)
    #expect(term.end.text == end)
    #expect(term.shorteningWindowOpens.text == window)
  }

  @Test("ACC-7 a product begun on the 31st returns to the 31st")
  func anchored() throws {
    let anchor = try #require(CalendarDate("2026-01-31"))
    let period = try #require(BillingPeriod(months: 1))
    let first = BillingTerm(startingOn: anchor, period: period)
    #expect(first.end.text == "2026-02-28")
    #expect(first.renewed.start.text == "2026-02-28")
    #expect(first.renewed.end.text == "2026-03-31")
  }

  @Test("an id keeps its text, sorts by time and refuses other forms")
  func identifiers() throws {
    let early = UniqueID(at: Instant(microseconds: 1_000_000), random: .max, moreRandom: .max)
    let late = UniqueID(at: Instant(microseconds: 2_000_000), random: 0, moreRandom: 0)
    #expect(early < late)
    #expect(early.text < late.text)
    #expect(UniqueID(early.text) == early)
    #expect(early.text == "00000000-03e8-7fff-bfff-ffffffffffff")
    for text in ["", "0", early.text + "0", early.text.uppercased(), "g" + early.text.dropFirst()] {
      #expect(UniqueID(text) == nil)
    }
    #expect(UniqueID("00000000003e8-7fff-bfff-fffffffffffff") == nil)
  }

  @Test("an instant moves by durations and stops at the ends of its range")
  func instants() {
    let instant = Instant(microseconds: 5)
    #expect(instant.advanced(by: .microseconds(-7)).microseconds == -2)
    #expect(instant.advanced(by: .days(1)).since(instant) == .seconds(86_400))
    #expect(instant.advanced(by: .seconds(Int64.max)).microseconds == .max)
    #expect(Instant(microseconds: .min).advanced(by: .seconds(-1)).microseconds == .min)
  }
}

@Suite("Authorization")
struct AuthorizationTests {
  private func membership(_ role: Role, billing: Bool) throws -> Membership {
    let id = UniqueID(at: Instant(microseconds: 0), random: 1, moreRandom: 1)
    return Membership(
      organizationID: OrganizationID(id), role: role, hasBillingRights: billing, version: 1)
  }

  @Test(
    "ORG-3 ORG-4 what each role may do",
    arguments: [
      (Role.admin, false, Permission.allCases, AuthorizationDecision.allowed),
      (.member, false, [.viewOrganization, .viewProducts], .allowed),
      (.member, false, [.placeOrders, .administerOrganization], .forbidden),
      (.member, false, [.manageBilling], .hidden),
      (.member, true, [.manageBilling], .allowed),
    ] as [(Role, Bool, [Permission], AuthorizationDecision)])
  func decisions(
    role: Role, billing: Bool, permissions: [Permission], decision: AuthorizationDecision
  ) throws {
    let membership = try membership(role, billing: billing)
    for permission in permissions {
      #expect(membership.decision(for: permission) == decision)
    }
  }

  @Test("ORG-3 billing is implied for an admin")
  func impliedBilling() throws {
    #expect(try membership(.admin, billing: false).hasBillingRights)
    #expect(try !membership(.member, billing: false).hasBillingRights)
  }
}
