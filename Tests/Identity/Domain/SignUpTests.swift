import IdentityDomain
import SharedDomain
import Testing

@Suite("Sign-up decisions (ORG-1, ID-8)")
struct SignUpTests {
  private let start = Instant(microseconds: 1_790_000_000_000_000)

  private func identifier<Subject>(_ number: UInt64) -> Identifier<Subject> {
    Identifier(UniqueID(at: start, random: 0, moreRandom: number))
  }

  private func signUp(opensAccount: Bool = true) throws -> SignUp {
    SignUp(
      beginning: identifier(1), address: try EmailAddress("ada@example.ch"), language: .english,
      party: Party(
        givenName: "Ada", familyName: "Lovelace", companyName: "", street: "Bahnhofstrasse",
        buildingNumber: "1", postalCode: "8001", town: "Zürich", countryCode: "CH",
        vatNumber: ""),
      acceptedTermsVersion: "2026-01", quote: [1, 2, 3], opensAccount: opensAccount, at: start)
  }

  private func after(_ duration: Duration) -> Instant { start.advanced(by: duration) }

  @Test("the right code is accepted within its hour")
  func accepted() throws {
    let signUp = try signUp()
    #expect(signUp.entering(codeMatches: true, at: start) == .accepted)
    #expect(signUp.entering(codeMatches: true, at: after(.seconds(3599))) == .accepted)
    #expect(
      signUp.entering(codeMatches: true, at: after(.hours(1))) == .refused(.codeExpired))
    #expect(
      signUp.entering(codeMatches: true, at: after(.hours(24))) == .refused(.signUpExpired))
  }

  @Test("five wrong attempts use a code up, and a new code begins anew")
  func attempts() throws {
    var current = try signUp()
    for left in [4, 3, 2, 1, 0] {
      guard
        case .counted(let counted, let error) = current.entering(codeMatches: false, at: start)
      else {
        Issue.record("a wrong code has to count")
        return
      }
      #expect(error == .wrongCode(attemptsLeft: left))
      current = counted
    }
    #expect(current.entering(codeMatches: true, at: start) == .refused(.codeAttemptsUsedUp))
    let renewed = try current.issuingCode(at: after(.seconds(30)))
    #expect(renewed.code.generation == 2)
    #expect(renewed.entering(codeMatches: true, at: after(.seconds(30))) == .accepted)
  }

  @Test(
    "ID-8 a sign-up for a known address answers every wrong code like any other, and no code works")
  func knownAddress() throws {
    var known = try signUp(opensAccount: false)
    var unknown = try signUp()
    for _ in 1...6 {
      let first = known.entering(codeMatches: true, at: start)
      let second = unknown.entering(codeMatches: false, at: start)
      switch (first, second) {
      case (.counted(let changedKnown, let error), .counted(let changedUnknown, let expected)):
        #expect(error == expected)
        known = changedKnown
        unknown = changedUnknown
      default: #expect(first == second)
      }
    }
  }

  @Test("codes are sent every thirty seconds at most, and six in all")
  func resending() throws {
    var current = try signUp()
    #expect(throws: IdentityError.codeRequestedTooSoon(retryAfter: .seconds(1))) {
      try current.issuingCode(at: after(.seconds(29)))
    }
    for number in 1...5 {
      current = try current.issuingCode(at: after(.seconds(30 * Int64(number))))
    }
    #expect(throws: IdentityError.codesUsedUp) { try current.issuingCode(at: after(.hours(2))) }
    #expect(throws: IdentityError.signUpExpired) { try current.issuingCode(at: after(.hours(24))) }
  }

  @Test("a sign-up goes from code to user, organization and order, and no step counts twice")
  func progress() throws {
    let awaiting = try signUp()
    #expect(awaiting.stage(at: start) == .awaitingCode)
    #expect(awaiting.stage(at: after(.hours(24))) == .expired)
    let opening = awaiting.opening(user: identifier(2))
    #expect(opening.stage(at: after(.hours(48))) == .opening)
    #expect(opening.adding(identifier(9) as OrderID) == opening)
    let organized = opening.adding(identifier(3) as OrganizationID)
    #expect(organized.stage(at: start) == .opening)
    #expect(organized.organizationID == identifier(3))
    #expect(organized.adding(identifier(4) as OrganizationID) == organized)
    let complete = organized.adding(identifier(5) as OrderID)
    #expect(complete.stage(at: start) == .complete)
    #expect(complete.userID == identifier(2))
    #expect(complete.orderID == identifier(5))
    #expect(complete.adding(identifier(6) as OrderID) == complete)
    #expect(complete.entering(codeMatches: false, at: start) == .alreadyAccepted)
    #expect(throws: IdentityError.signUpAlreadyConfirmed) {
      try complete.issuingCode(at: after(.hours(1)))
    }
  }

  @Test("a sign-up that lost its address is over, and says why only to the right code")
  func closed() throws {
    let closed = try signUp().closing()
    #expect(closed.stage(at: start) == .expired)
    #expect(closed.entering(codeMatches: true, at: start) == .refused(.accountExists))
    guard
      case .counted(_, .wrongCode(attemptsLeft: 4)) = closed.entering(
        codeMatches: false, at: start)
    else {
      Issue.record("a wrong code has to count")
      return
    }
    #expect(throws: IdentityError.signUpExpired) { try closed.issuingCode(at: after(.hours(1))) }
  }

  @Test("an address can be named in five sign-ups an hour")
  func limit() throws {
    let begun = (0..<5).map { after(.minutes(-Int64($0))) }
    try SignUpLimit.check(begun: Array(begun.prefix(4)), at: start)
    #expect(throws: IdentityError.tooManySignUps(retryAfter: .minutes(56))) {
      try SignUpLimit.check(begun: begun, at: start)
    }
    try SignUpLimit.check(begun: begun, at: after(.minutes(56)))
  }

  @Test(
    "a code is eight ASCII digits",
    arguments: [
      ("12345678", true), ("00000000", true), ("1234567", false), ("123456789", false),
      ("1234 5678", false), ("１２３４５６７８", false), ("1234567a", false), ("", false),
    ])
  func form(text: String, isCode: Bool) {
    #expect(SignUpCode.isWellFormed(text) == isCode)
  }
}
