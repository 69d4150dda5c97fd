import GoogleAPI
import IdentityAPI
import IdentityService
import RPCCore
import SQLCore
import SQLiteDriver
import SharedDomain
import TestSupport
import Testing

@Suite("Housekeeping", .onEachDriver)
struct HousekeepingTests {
  private func rows(_ stack: IdentityStack, _ table: String) async throws -> Int {
    try await stack.database.read { transaction in
      try transaction.first(SQL(trustedText: "SELECT count(*) AS rows FROM \(table)"))?
        .int("rows") ?? 0
    }
  }

  @Test("what nobody can meet any more is deleted, and nothing else")
  func tidy() async throws {
    let stack = try await IdentityStack()
    let answer = try await stack.account()
    _ = try await stack.signUps.signUp(IdentityStack.signUpRequest("eve", email: "eve@example.ch"))
    _ = await refusal { try await stack.signIn(password: "not the one") }
    var token = try #require(answer.tokens).refreshToken
    for _ in 1...3 {
      let refreshed = try await stack.sessions.refreshSession(
        RefreshSessionRequest(refreshToken: token))
      token = try #require(refreshed.tokens).refreshToken
    }
    try await stack.services.tidy()
    #expect(try await rows(stack, "sign_up") == 2)
    #expect(try await rows(stack, "refresh_token") == 4)
    #expect(try await rows(stack, "sign_in_failures") == 1)

    stack.clock.advance(.days(29))
    let refreshed = try await stack.sessions.refreshSession(
      RefreshSessionRequest(refreshToken: token))
    token = try #require(refreshed.tokens).refreshToken
    stack.clock.advance(.days(2))
    try await stack.services.tidy()
    // The unconfirmed sign-up and the failures are gone; of the tokens, the one in use and the one
    // that was used two days ago are left.
    #expect(try await rows(stack, "sign_up") == 1)
    #expect(try await rows(stack, "sign_in_failures") == 0)
    #expect(try await rows(stack, "refresh_token") == 2)
    #expect(try await rows(stack, "session") == 1)
    #expect(try await rows(stack, "operation") == 0)

    stack.clock.advance(.days(40))
    try await stack.services.tidy()
    #expect(try await rows(stack, "session") == 0)
    #expect(try await rows(stack, "refresh_token") == 0)
    #expect(try await rows(stack, "user_account") == 1)
  }
}
