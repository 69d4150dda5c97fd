import IdentityDomain
import SharedDomain
import Testing

@Suite("Session and sign-in decisions (ID-1, ID-8)")
struct SessionTests {
  private let start = Instant(microseconds: 1_790_000_000_000_000)

  private func identifier<Subject>(_ number: UInt64) -> Identifier<Subject> {
    Identifier(UniqueID(at: start, random: 0, moreRandom: number))
  }

  private func after(_ duration: Duration) -> Instant { start.advanced(by: duration) }

  private func user(organization: OrganizationID? = nil) throws -> UserAccount {
    UserAccount(
      id: identifier(1), address: try EmailAddress("ada@example.ch"), givenName: "émilie",
      familyName: "du Châtelet", language: .french, defaultOrganizationID: organization,
      createdAt: start)
  }

  private func session(organization: OrganizationID? = nil) throws -> Session {
    Session(
      beginning: identifier(2), of: try user(organization: organization), deviceName: "Firefox",
      at: start)
  }

  @Test("a session lives thirty days without a refresh and ninety at most")
  func lifetimes() throws {
    var session = try session()
    #expect(session.isActive(at: after(.days(30) - .seconds(1))))
    #expect(!session.isActive(at: after(.days(30))))
    for day in stride(from: Int64(29), through: 87, by: 29) {
      guard
        case .refreshed(let refreshed) = session.refreshing(
          tokenWasUsed: false, defaultOrganization: nil, at: after(.days(day)))
      else {
        Issue.record("the session has to live on day \(day)")
        return
      }
      session = refreshed
    }
    #expect(session.expiresAt == after(.days(90)))
    #expect(
      session.refreshing(tokenWasUsed: false, defaultOrganization: nil, at: after(.days(90)))
        == .refused)
  }

  @Test("an access token never outlives its session")
  func accessToken() throws {
    let session = try session()
    #expect(session.accessTokenExpiry(at: start) == after(.minutes(10)))
    #expect(
      session.accessTokenExpiry(at: after(.days(30) - .minutes(3))) == after(.days(30)))
  }

  @Test("a refresh token that is used again ends the session, and stays without effect after that")
  func reuse() throws {
    let session = try session()
    guard
      case .revoked(let ended) = session.refreshing(
        tokenWasUsed: true, defaultOrganization: nil, at: after(.minutes(1)))
    else {
      Issue.record("reuse has to end the session")
      return
    }
    #expect(ended.endedAt == after(.minutes(1)))
    #expect(!ended.isActive(at: after(.minutes(1))))
    #expect(ended.ending(at: after(.hours(1))) == ended)
    for wasUsed in [true, false] {
      #expect(
        ended.refreshing(tokenWasUsed: wasUsed, defaultOrganization: nil, at: after(.hours(1)))
          == .refused)
    }
  }

  @Test(
    "a refresh gives the user's default organization to a session that has none"
  )
  func organization() throws {
    let new: OrganizationID = identifier(7)
    let own: OrganizationID = identifier(8)
    for (before, expected) in [(nil, new), (own, own)] as [(OrganizationID?, OrganizationID)] {
      guard
        case .refreshed(let refreshed) = try session(organization: before).refreshing(
          tokenWasUsed: false, defaultOrganization: new, at: after(.minutes(1)))
      else {
        Issue.record("the session has to be refreshed")
        return
      }
      #expect(refreshed.organizationID == expected)
    }
    #expect(try session().switching(to: own, at: start).organizationID == own)
    #expect(throws: IdentityError.sessionEnded) {
      try session().ending(at: start).switching(to: own, at: start)
    }
  }

  @Test("ID-2 the initials are those of first and last name")
  func initials() throws {
    #expect(try user().initials == "ÉD")
  }

  @Test(
    "the wait after failed sign-ins doubles from the fifth on and ends at fifteen minutes",
    arguments: [(0, 0), (4, 0), (5, 1), (6, 2), (9, 16), (14, 512), (15, 900), (1000, 900)])
  func waits(failures: Int, seconds: Int64) {
    #expect(SignInFailures.wait(after: failures) == .seconds(seconds))
  }

  @Test("a login waits its time, never longer than the longest wait, and is forgotten after a day")
  func failures() throws {
    var failures = SignInFailures.none
    try failures.check(at: start)
    for _ in 1...5 { failures = failures.adding(at: start) }
    #expect(throws: IdentityError.tooManySignIns(retryAfter: .seconds(1))) {
      try failures.check(at: start)
    }
    try failures.check(at: after(.seconds(1)))
    for _ in 1...500 { failures = failures.adding(at: start) }
    try failures.check(at: after(.minutes(15)))
    #expect(throws: IdentityError.tooManySignIns(retryAfter: .minutes(15))) {
      try failures.check(at: after(.days(-400)))
    }
    #expect(failures.adding(at: after(.hours(24) + .seconds(1))).count == 1)
  }

  @Test("a signing key is replaced after thirty days and trusted until its last token has expired")
  func keys() {
    #expect(SigningKeySchedule.needsKey(newestMadeAt: nil, at: start))
    #expect(!SigningKeySchedule.needsKey(newestMadeAt: start, at: after(.days(30) - .seconds(1))))
    #expect(SigningKeySchedule.needsKey(newestMadeAt: start, at: after(.days(30))))
    #expect(SigningKeySchedule.expiry(replacedAt: start) == after(.minutes(15)))
  }
}
