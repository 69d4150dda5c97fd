import RPCCore
import SharedDomain
import TestSupport
import Testing

@Suite struct CallerLimitTests {
  private static func context(user: UInt64?, address: String = "192.0.2.1:5000") throws
    -> ServerContext
  {
    var context = ServerContext(
      method: EchoService.echo, peer: Peer(remoteAddress: address, certificateNames: []))
    if let user {
      let digits = String(user)
      let text =
        "0190a5d0-0000-7000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
      context.principal = Principal(
        userID: try #require(UserID(text)), sessionID: try #require(SessionID(text)),
        membership: nil)
    }
    return context
  }

  @Test("A user's calls beyond the limit are RESOURCE_EXHAUSTED, other users' are not")
  func users() async throws {
    let limit = CallerLimit(callsPerUser: 2, callsPerPeer: 1)
    let one = try Self.context(user: 1)
    let gate = Gate()
    let held = (0..<2).map { _ in
      Task { try await limit.intercept(one) { _ in await gate.pass() } }
    }
    await gate.arrived(2)
    let error = await failure { try await limit.intercept(one) { _ in } }
    #expect(error?.code == .resourceExhausted)
    #expect(error?.reason == "TOO_MANY_CALLS")
    #expect(error?.message.contains("2 calls") == true)
    try await limit.intercept(try Self.context(user: 2)) { _ in }
    gate.open()
    for task in held { try await task.value }
    try await limit.intercept(one) { _ in }
    #expect(limit.callers == 0)
  }

  @Test("Calls of nobody signed in count by the peer's address, not its port")
  func peers() async throws {
    let limit = CallerLimit(callsPerUser: 1, callsPerPeer: 1)
    let gate = Gate()
    let first = try Self.context(user: nil, address: "192.0.2.1:5000")
    let held = Task { try await limit.intercept(first) { _ in await gate.pass() } }
    await gate.arrived(1)
    let second = try Self.context(user: nil, address: "192.0.2.1:5001")
    let error = await failure { try await limit.intercept(second) { _ in } }
    #expect(error?.reason == "TOO_MANY_CALLS")
    try await limit.intercept(try Self.context(user: nil, address: "192.0.2.2:5000")) { _ in }
    try await limit.intercept(try Self.context(user: 1)) { _ in }
    gate.open()
    try await held.value
  }

  @Test("A call that fails is no longer under way")
  func failing() async throws {
    let limit = CallerLimit(callsPerUser: 1, callsPerPeer: 1)
    for _ in 0..<3 {
      let error = await failure {
        try await limit.intercept(try Self.context(user: 1)) { _ in
          throw RPCError(.aborted, "again")
        }
      }
      #expect(error?.code == .aborted)
    }
    #expect(limit.callers == 0)
  }
}
