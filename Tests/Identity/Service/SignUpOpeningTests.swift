import IdentityAPI
import OrganizationsAPI
import RPCCore
import ShopAPI
import TestSupport
import Testing

@Suite("Opening an account over two other services (ORG-1)", .onEachDriver)
struct SignUpOpeningTests {
  private func confirm(_ stack: IdentityStack) async throws -> ConfirmSignUpRequest {
    let begun = try #require(
      try await stack.signUps.signUp(IdentityStack.signUpRequest()).signUp)
    return ConfirmSignUpRequest(
      requestID: "confirm", signUpID: begun.signUpID, code: try await stack.code())
  }

  private func state(_ stack: IdentityStack, _ id: String) async throws -> IdentityAPI.SignUp? {
    try await stack.signUps.getSignUp(GetSignUpRequest(signUpID: id)).signUp
  }

  @Test("while a peer is away the answer is OPENING, and the relay goes on until it is done")
  func peerAway() async throws {
    let stack = try await IdentityStack()
    let confirm = try await confirm(stack)
    stack.peers.change { $0.isAway = true }
    let answer = try #require(try await stack.signUps.confirmSignUp(confirm).signUp)
    #expect(answer.state == .opening)
    #expect(!answer.userID.isEmpty)
    #expect(answer.organizationID.isEmpty)
    // The user can sign in meanwhile.
    let tokens = try #require(try await stack.signIn().tokens)
    stack.peers.change { $0.isAway = false }
    let stackNow = stack
    try await stack.relaying {
      try await stackNow.signUps.getSignUp(GetSignUpRequest(signUpID: confirm.signUpID)).signUp?
        .state == .complete
    }
    let repeated = try #require(try await stack.signUps.confirmSignUp(confirm).signUp)
    #expect(repeated.state == .complete)
    #expect(repeated.userID == answer.userID)
    // The session without an organization gets it with its next refresh.
    let refreshed = try await stack.sessions.refreshSession(
      RefreshSessionRequest(refreshToken: tokens.refreshToken))
    #expect(refreshed.session?.organizationID == repeated.organizationID)
  }

  @Test(
    "a lost answer of a peer makes nothing twice",
    arguments: ["CreateOrganization", "CreateOrder"])
  func lostAnswer(method: String) async throws {
    let stack = try await IdentityStack()
    let confirm = try await confirm(stack)
    stack.peers.change { $0.lostAnswers[method] = 1 }
    #expect(try await stack.signUps.confirmSignUp(confirm).signUp?.state == .opening)
    let repeated = try #require(try await stack.signUps.confirmSignUp(confirm).signUp)
    #expect(repeated.state == .complete)
    let peers = stack.peers.snapshot
    #expect(peers.calls[method] == 2)
    #expect(peers.organizations.count == 1)
    #expect(peers.orders.count == 1)
  }

  @Test("a restarted service goes on where the last one stopped")
  func restart() async throws {
    let first = try await IdentityStack()
    let confirm = try await confirm(first)
    first.peers.change { $0.lostAnswers["CreateOrder"] = 1 }
    #expect(try await first.signUps.confirmSignUp(confirm).signUp?.state == .opening)
    let second = try await IdentityStack(after: first)
    try await second.relaying {
      try await second.signUps.getSignUp(GetSignUpRequest(signUpID: confirm.signUpID)).signUp?
        .state == .complete
    }
    let peers = second.peers.snapshot
    #expect(peers.calls["CreateOrganization"] == 1)
    #expect(peers.organizations.count == 1)
    #expect(peers.orders.count == 1)
    // The keys outlive the restart: the code, the request ids and the tokens of before are good.
    #expect(try await second.signUps.confirmSignUp(confirm).signUp?.state == .complete)
  }

  @Test("confirming many times at once makes one user, one organization and one order")
  func concurrent() async throws {
    let stack = try await IdentityStack()
    let confirm = try await confirm(stack)
    let users = try await withThrowingTaskGroup(of: String?.self) { group in
      for _ in 0..<50 {
        group.addTask { try await stack.signUps.confirmSignUp(confirm).signUp?.userID }
      }
      return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
    }
    #expect(users.count == 1)
    let last = try await state(stack, confirm.signUpID)
    #expect(last?.state == .complete)
    #expect(stack.peers.snapshot.organizations.count == 1)
    #expect(stack.peers.snapshot.orders.count == 1)
  }
}
