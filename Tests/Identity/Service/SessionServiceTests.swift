import Cryptography
import GoogleAPI
import IdentityAPI
import RPCCore
import SQLCore
import SharedDomain
import TestSupport
import Testing

@testable import IdentityService

@Suite("SessionService (ID-1, ID-8, ORG-5)", .onEachDriver)
struct SessionServiceTests {
  @Test("a sign-in gives a session in the user's organization, and the profile can be read")
  func signIn() async throws {
    let stack = try await IdentityStack()
    let answer = try await stack.account()
    #expect(answer.session?.current == true)
    #expect(answer.session?.deviceName == "test")
    #expect(OrganizationID(answer.session?.organizationID ?? "") != nil)
    #expect(answer.user?.initials == "AL")
    let user = try await stack.users.getUser(
      GetUserRequest(), options: try stack.options(answer.tokens)
    ).user
    #expect(user == answer.user)
    #expect(user?.email == "ada@example.ch")
    // The login is found in any case, and trimmed.
    #expect(try await stack.signIn(" ADA@Example.CH ").user == user)
  }

  @Test("ID-8 a wrong password and an unknown address answer alike, and wait alike")
  func alike() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    var answers: [[String]] = []
    for address in ["ada@example.ch", "nobody@example.ch"] {
      var seen: [String] = []
      for _ in 1...7 {
        let error = await refusal { try await stack.signIn(address, password: "not the one") }
        seen.append("\(error?.description ?? "") \(error?.details ?? [])")
      }
      answers.append(seen)
    }
    #expect(answers[0] == answers[1])
    #expect(answers[0][4].contains("CREDENTIALS_WRONG"))
    #expect(answers[0][5].contains("TOO_MANY_SIGN_INS"))
    #expect(!answers[0].joined().contains("example.ch"))
  }

  @Test("a waiting login signs in again after its wait, and a success forgets the failures")
  func waits() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    for _ in 1...5 { _ = await refusal { try await stack.signIn(password: "not the one") } }
    let waiting = await refusal { try await stack.signIn() }
    #expect(waiting?.code == .resourceExhausted)
    stack.clock.advance(.seconds(1))
    _ = try await stack.signIn()
    for _ in 1...4 { _ = await refusal { try await stack.signIn(password: "not the one") } }
    _ = try await stack.signIn()
  }

  @Test("a stranger's guesses do not make the owner wait where the owner has signed in before")
  func stranger() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    _ = try await stack.signIn(from: "192.0.2.1")
    for _ in 1...10 {
      _ = await refusal { try await stack.signIn(password: "not the one", from: "203.0.113.9") }
    }
    let stranger = await refusal { try await stack.signIn(from: "203.0.113.9") }
    #expect(stranger?.reason == "TOO_MANY_SIGN_INS")
    _ = try await stack.signIn(from: "192.0.2.1")
    // Even a known source cannot guess on.
    for _ in 1...5 {
      _ = await refusal { try await stack.signIn(password: "not the one", from: "192.0.2.1") }
    }
    let known = await refusal { try await stack.signIn(from: "192.0.2.1") }
    #expect(known?.reason == "TOO_MANY_SIGN_INS")
  }

  @Test("a source that tries many logins has to wait, others do not")
  func source() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    for number in 0..<30 {
      let error = await refusal {
        try await stack.signIn("user\(number)@example.ch", password: "guess", from: "203.0.113.9")
      }
      #expect(error?.reason == "CREDENTIALS_WRONG")
    }
    let waiting = await refusal { try await stack.signIn(from: "203.0.113.9") }
    #expect(waiting?.reason == "TOO_MANY_SIGN_INS")
    _ = try await stack.signIn(from: "192.0.2.1")
    stack.clock.advance(.seconds(10))
    _ = try await stack.signIn(from: "203.0.113.9")
  }

  @Test("a source is what the last proxy says, whatever the client claims before it")
  func forgedSource() async throws {
    let stack = try await IdentityStack()
    for number in 0..<31 {
      var options = CallOptions()
      options.metadata.append("x-forwarded-for", "198.51.100.\(number)")
      options.metadata.append("x-forwarded-for", "203.0.113.9")
      let (address, sent) = ("user\(number)@example.ch", options)
      let error = await refusal {
        try await stack.sessions.signIn(
          SignInRequest(email: address, password: "guess", deviceName: "test"), options: sent)
      }
      #expect(error?.reason == (number < 30 ? "CREDENTIALS_WRONG" : "TOO_MANY_SIGN_INS"))
    }
  }

  @Test("the wrong fields of a sign-in are named, all of them")
  func signInFields() async throws {
    let stack = try await IdentityStack()
    let error = await refusal {
      try await stack.sessions.signIn(
        SignInRequest(email: "ada", deviceName: String(repeating: "x", count: 101)))
    }
    let named = error?.fields.map(\.field)
    #expect(named == ["email", "password", "device_name"])
  }

  @Test("ID-7 a password hashed at another cost is hashed anew on sign-in")
  func upgrade() async throws {
    let first = try await IdentityStack()
    _ = try await first.account()
    let second = try await IdentityStack(
      after: first,
      cost: Argon2Parameters(memoryKibibytes: 16, iterations: 2, parallelism: 1))
    #expect(try await second.dump(["user_account"]).contains("m=8,t=1"))
    _ = try await second.signIn()
    #expect(try await second.dump(["user_account"]).contains("m=16,t=2"))
    _ = try await second.signIn()
  }

  @Test("a refresh token works once; used again it ends the session, for good")
  func refresh() async throws {
    let stack = try await IdentityStack()
    let first = try #require(try await stack.account().tokens)
    let second = try #require(
      try await stack.sessions.refreshSession(
        RefreshSessionRequest(refreshToken: first.refreshToken)
      ).tokens)
    #expect(second.refreshToken != first.refreshToken)
    _ = try await stack.users.getUser(GetUserRequest(), options: try stack.options(second))
    let reused = await refusal {
      try await stack.sessions.refreshSession(
        RefreshSessionRequest(refreshToken: first.refreshToken))
    }
    #expect(reused?.reason == "REFRESH_TOKEN_INVALID")
    for restarted in [stack, try await IdentityStack(after: stack)] {
      let ended = await refusal {
        try await restarted.sessions.refreshSession(
          RefreshSessionRequest(refreshToken: second.refreshToken))
      }
      #expect(ended?.code == .unauthenticated)
      let call = await refusal {
        try await restarted.users.getUser(GetUserRequest(), options: try restarted.options(second))
      }
      #expect(call?.reason == "SESSION_ENDED")
    }
  }

  @Test("one of many refreshes at once succeeds, and the session is over")
  func concurrentRefresh() async throws {
    let stack = try await IdentityStack()
    let tokens = try #require(try await stack.account().tokens)
    let outcomes = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<20 {
        group.addTask {
          (try? await stack.sessions.refreshSession(
            RefreshSessionRequest(refreshToken: tokens.refreshToken))) != nil
        }
      }
      return await group.reduce(into: [Bool]()) { $0.append($1) }
    }
    #expect(outcomes.count { $0 } == 1)
    let call = await refusal {
      try await stack.users.getUser(GetUserRequest(), options: try stack.options(tokens))
    }
    #expect(call?.reason == "SESSION_ENDED")
  }

  @Test(
    "what was never issued refreshes nothing",
    arguments: ["", "krt1.", "krt1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "kat1.a.b.c", "x"])
  func unknownRefreshToken(token: String) async throws {
    let stack = try await IdentityStack()
    let error = await refusal {
      try await stack.sessions.refreshSession(RefreshSessionRequest(refreshToken: token))
    }
    #expect(error?.code == .unauthenticated)
    #expect(error?.reason == "REFRESH_TOKEN_INVALID")
  }

  @Test("access tokens stop after ten minutes, sessions after thirty days without a refresh")
  func lifetimes() async throws {
    let stack = try await IdentityStack()
    let tokens = try #require(try await stack.account().tokens)
    stack.clock.advance(.minutes(11))
    let expired = await refusal {
      try await stack.users.getUser(GetUserRequest(), options: try stack.options(tokens))
    }
    #expect(expired?.reason == "TOKEN_EXPIRED")
    stack.clock.advance(.days(30))
    let over = await refusal {
      try await stack.sessions.refreshSession(
        RefreshSessionRequest(refreshToken: tokens.refreshToken))
    }
    #expect(over?.reason == "SESSION_ENDED")
  }

  @Test("sign-out ends the session at once, here and for other services")
  func signOut() async throws {
    let stack = try await IdentityStack()
    let answer = try await stack.account()
    let other = try await stack.signIn()
    let options = try stack.options(answer.tokens)
    let question = CheckSessionRequest(
      sessionID: try #require(answer.session).sessionID, userID: try #require(answer.user).userID)
    #expect(try await stack.verification.checkSession(question).active)
    _ = try await stack.sessions.signOut(SignOutRequest(requestID: "out"), options: options)
    #expect(try await stack.verification.checkSession(question).active == false)
    let ended = await refusal { try await stack.users.getUser(GetUserRequest(), options: options) }
    #expect(ended?.reason == "SESSION_ENDED")
    _ = try await stack.users.getUser(GetUserRequest(), options: try stack.options(other.tokens))
  }

  @Test("sessions are listed newest first in pages, and one can be ended from another")
  func listAndRevoke() async throws {
    let stack = try await IdentityStack()
    let first = try await stack.account()
    for _ in 1...4 {
      stack.clock.advance(.seconds(1))
      _ = try await stack.signIn()
    }
    let stranger = try await stack.account("eve@example.ch")
    let options = try stack.options(first.tokens)
    var listed: [IdentityAPI.Session] = []
    var token = ""
    repeat {
      let page = try await stack.sessions.listSessions(
        ListSessionsRequest(pageSize: 2, pageToken: token), options: options)
      #expect(page.sessions.count <= 2)
      listed += page.sessions
      token = page.nextPageToken
    } while !token.isEmpty
    #expect(listed.count == 5)
    #expect(listed.map(\.sessionID) == listed.map(\.sessionID).sorted(by: >))
    #expect(listed.filter(\.current).map(\.sessionID) == [first.session?.sessionID])

    let newest = try #require(listed.first).sessionID
    for _ in 1...2 {
      _ = try await stack.sessions.revokeSession(
        RevokeSessionRequest(requestID: "revoke", sessionID: newest), options: options)
    }
    let rest = try await stack.sessions.listSessions(ListSessionsRequest(), options: options)
    #expect(rest.sessions.map(\.sessionID) == listed.dropFirst().map(\.sessionID))

    let foreign = await refusal {
      try await stack.sessions.revokeSession(
        RevokeSessionRequest(
          requestID: "foreign", sessionID: try #require(stranger.session).sessionID),
        options: options)
    }
    let missing = await refusal {
      try await stack.sessions.revokeSession(
        RevokeSessionRequest(
          requestID: "missing", sessionID: "00000000-0000-7000-8000-000000000000"),
        options: options)
    }
    #expect(foreign?.code == .notFound)
    #expect(foreign?.reason == missing?.reason)
  }

  @Test("ORG-5 a user switches between own organizations without signing in; others are not found")
  func switchOrganization() async throws {
    let stack = try await IdentityStack()
    let answer = try await stack.account()
    let user = try #require(answer.user).userID
    let other = "0191a000-0000-7000-8000-000000000001"
    stack.peers.change { $0.memberships[user, default: []].insert(other) }
    let options = try stack.options(answer.tokens)
    let switched = try await stack.sessions.switchOrganization(
      SwitchOrganizationRequest(organizationID: other), options: options)
    #expect(switched.session?.organizationID == other)
    #expect(switched.tokens?.refreshToken == "")
    _ = try await stack.users.getUser(
      GetUserRequest(), options: try stack.options(switched.tokens))
    // The refresh token of before is still good, and new sessions begin there.
    let refreshed = try await stack.sessions.refreshSession(
      RefreshSessionRequest(refreshToken: try #require(answer.tokens).refreshToken))
    #expect(refreshed.session?.organizationID == other)
    #expect(try await stack.signIn().session?.organizationID == other)
    let foreign = await refusal {
      try await stack.sessions.switchOrganization(
        SwitchOrganizationRequest(organizationID: "0191a000-0000-7000-8000-000000000002"),
        options: options)
    }
    #expect(foreign?.code == .notFound)
    #expect(foreign?.reason == "ORGANIZATION_NOT_FOUND")
    let deleted = "0191a000-0000-7000-8000-000000000003"
    stack.peers.change {
      $0.memberships[user, default: []].insert(deleted)
      $0.deleted.insert(deleted)
    }
    let gone = await refusal {
      try await stack.sessions.switchOrganization(
        SwitchOrganizationRequest(organizationID: deleted), options: options)
    }
    #expect(gone?.reason == "ORGANIZATION_NOT_FOUND")
    stack.peers.change { $0.isAway = true }
    let away = await refusal {
      try await stack.sessions.switchOrganization(
        SwitchOrganizationRequest(organizationID: other), options: options)
    }
    #expect(away?.code == .unavailable)
  }

  @Test("signing keys are replaced after thirty days; tokens of the old one live out their time")
  func keys() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    let first = try await stack.verification.listSigningKeys(ListSigningKeysRequest()).keys
    #expect(first.count == 1)
    #expect(first.first?.publicKey.count == 32)
    #expect(first.first?.expireTime == nil)
    stack.clock.advance(.days(30) - .seconds(1))
    let old = try #require(try await stack.signIn().tokens)
    stack.clock.advance(.seconds(1))
    let new = try #require(try await stack.signIn().tokens)
    let keys = try await stack.verification.listSigningKeys(ListSigningKeysRequest()).keys
    #expect(keys.count == 2)
    #expect(keys.last?.keyID == first.first?.keyID)
    #expect(keys.last?.expireTime != nil)
    let restarted = try await IdentityStack(after: stack)
    for tokens in [old, new] {
      _ = try await restarted.users.getUser(
        GetUserRequest(), options: try restarted.options(tokens))
    }
    stack.clock.advance(.minutes(16))
    #expect(try await stack.verification.listSigningKeys(ListSigningKeysRequest()).keys.count == 1)
    try await stack.services.tidy()
    #expect(try await stack.verification.listSigningKeys(ListSigningKeysRequest()).keys.count == 1)
  }

  @Test("ID-8 a hash is computed for an address that nobody has, too")
  func nobodyIsHashed() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    // Argon2 takes no fewer than 8 KiB: what is hashed with the service's own cost fails.
    let impossible = Argon2Parameters(memoryKibibytes: 1, iterations: 1, parallelism: 1)
    let other = try await IdentityStack(after: stack, cost: impossible)
    let error = await refusal { try await other.signIn("nobody@example.ch") }
    #expect(error?.code == .internalError)
  }

  @Test("a sign-in whose password is changed while it is checked fails")
  func changedMeanwhile() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    let interrupted = InterruptedDatabase(stack.database)
    let other = try await IdentityStack(after: stack, wrap: { _ in interrupted })
    interrupted.beforeNextWrite { database in
      try await database.write { transaction in
        _ = try transaction.execute("UPDATE user_account SET password_hash = 'x'")
      }
    }
    let error = await refusal { try await other.signIn() }
    #expect(error?.reason == "CREDENTIALS_WRONG")
  }

  @Test("sixteen passwords of one login are checked at once, no more")
  func concurrency() async throws {
    let limiter = ConcurrentSignInLimiter()
    func nested(_ depth: Int) async throws -> Int {
      try await limiter.run([1]) { depth == 1 ? 1 : try await nested(depth - 1) + 1 }
    }
    #expect(try await nested(16) == 16)
    await #expect(throws: (any Error).self) { try await nested(17) }
    #expect(try await nested(16) == 16)
  }

  @Test("sources that are silent are forgotten")
  func sourcesAreBounded() throws {
    let limiter = SourceLimiter()
    let now = Instant(microseconds: 1_795_000_000_000_000)
    for number in 0..<(SourceLimiter.maximumSources + 100) {
      limiter.failed("source \(number)", at: now.advanced(by: .milliseconds(Int64(number))))
    }
    #expect(limiter.count <= SourceLimiter.maximumSources)
  }
}
