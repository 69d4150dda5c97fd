import GoogleAPI
import HTTP2
import Messages
import RPCCore
import TestSupport
import Testing

@testable import RPCTransport

/// What the requests of one connection may hold in memory, and how their senders wait for it.
@Suite(.onOwnThread) struct RequestBudgetTests {
  // MARK: Alone

  @Test("Shares are taken up to the limit; who comes later waits in order")
  func order() {
    var budget = RequestBudget(limit: 100)
    let isFirst = budget.take(60, for: 1)
    let isSecond = budget.take(50, for: 3)
    // It would fit, but another waits.
    let isThird = budget.take(10, for: 5)
    #expect(isFirst && !isSecond && !isThird)
    #expect(budget.next() == nil)
    budget.give(60)
    for (id, bytes) in [(Int32(3), 50), (5, 10)] {
      let next = budget.next()
      #expect(next?.streamID == id && next?.bytes == bytes)
    }
    #expect(budget.next() == nil && budget.takenBytes == 60)
    budget.give(60)
    #expect(budget.isIdle)
  }

  @Test("A share beyond the limit is given alone; who has gone holds nobody up")
  func large() {
    var budget = RequestBudget(limit: 100)
    let isFirst = budget.take(500, for: 1)
    let isSecond = budget.take(500, for: 3)
    let isThird = budget.take(5, for: 5)
    #expect(isFirst && !isSecond && !isThird)
    budget.withdraw(3)
    budget.give(500)
    #expect(budget.next()?.streamID == 5)
    budget.give(5)
    #expect(budget.isIdle)
  }

  // MARK: On a connection

  private static let messageBytes = 9000
  private static let requestSeconds = 1000

  private static var limits: RPCLimits {
    var limits = RPCLimits()
    limits.requestWindowBytes = 1000
    limits.maximumBufferedRequestBytes = 20_000
    limits.requestSeconds = requestSeconds
    return limits
  }

  /// A message with its prefix, `messageBytes` long.
  private static func large() throws -> [UInt8] {
    var message = AnyMessage(typeURL: "large", value: [])
    message.value = [UInt8](repeating: 7, count: messageBytes - 20)
    let bytes = try message.serialized()
    return [0, 0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
  }

  private static func withPeer(_ body: (TestServer, RawPeer) async throws -> Void) async throws {
    try await withServer(try await TestServer(limits: limits)) { server in
      let peer = try RawPeer(port: server.port, certificates: server.certificates)
      try peer.begin()
      try await body(server, peer)
      try answerOne(peer)
    }
  }

  private static func answerOne(_ peer: RawPeer) throws {
    let id = try peer.request(MalformedInputTests.fields(), try MalformedInputTests.framed("x"))
    #expect(peer.answer(id).grpcStatus == "0")
  }

  private static func begin(
    _ peer: RawPeer, _ path: String, _ body: some Collection<UInt8>, end: Bool = false
  ) throws -> Int32 {
    try peer.request(MalformedInputTests.fields([":path": path]), body, end: end)
  }

  @Test("Many times more than the budget, sent at once, is all answered")
  func honest() async throws {
    try await Self.withPeer { _, peer in
      let message = try Self.large()
      let ids = try (0..<90).map { index in
        let path = index % 2 == 0 ? EchoService.echo.path : StreamService.chat.path
        return try Self.begin(peer, path, message, end: true)
      }
      for id in ids {
        let answer = peer.answer(id)
        #expect(answer.grpcStatus == "0" && answer.data.starts(with: message))
      }
    }
  }

  @Test(
    "Requests that do not end hold large ones up, for a time, and within bounds",
    arguments: [EchoService.echo.path, StreamService.collect.path])
  func attack(path: String) async throws {
    try await Self.withPeer { server, peer in
      let message = try Self.large()
      let unended = try (0..<20).map { _ in try Self.begin(peer, path, message.dropLast()) }
      try Self.answerOne(peer)
      let sent = 20 * (message.count - 1) - peer.queuedBytes
      let windows = 20 * Int(Self.limits.requestWindowBytes)
      #expect(sent <= Self.limits.maximumBufferedRequestBytes + windows)
      // Later than the others, and so not timed out with them.
      try await server.advance(seconds: Self.requestSeconds / 2)
      let ended = try Self.begin(peer, path, message, end: true)
      try Self.answerOne(peer)
      #expect(peer.answers[ended]?.blocks == [])
      try await server.advance(seconds: Self.requestSeconds / 2 + 1)
      for id in unended { #expect(peer.answer(id).grpcStatus == "4") }
      #expect(peer.answer(ended).grpcStatus == "0")
    }
  }

  @Test("Streams that are reset leave their shares and their places", arguments: [true, false])
  func reset(isUnary: Bool) async throws {
    let path = isUnary ? EchoService.echo.path : StreamService.collect.path
    try await Self.withPeer { _, peer in
      let message = try Self.large()
      for _ in 0..<10 {
        let ids = try (0..<20).map { _ in try Self.begin(peer, path, message.dropLast()) }
        for id in ids { peer.reset(id) }
        let id = try Self.begin(peer, path, message, end: true)
        #expect(peer.answer(id).grpcStatus == "0")
      }
    }
  }

  @Test("A request in padded frames is taken, however little of them is the message")
  func padded() async throws {
    try await Self.withPeer { _, peer in
      let id = try Self.begin(peer, EchoService.echo.path, [0])
      let rest = try MalformedInputTests.framed("padded").dropFirst()
      for byte in rest.dropLast() {
        // DATA with a padding of 200 bytes.
        try peer.write(
          [0, 0, 202, 0, 8, 0, 0, 0, UInt8(id), 200, byte] + Array(repeating: 0, count: 200))
        // The server has seen it, and opened the window again if that was needed.
        try Self.answerOne(peer)
      }
      peer.send(id, Array(rest.suffix(1)), end: true)
      #expect(peer.answer(id).grpcStatus == "0")
    }
  }

  @Test("A busy stream gets a large window, and gives it back")
  func wide() async throws {
    try await Self.withPeer { _, peer in
      let message = try Self.large()
      for _ in 0..<20 {
        let ids = try (0..<12).map { _ in try Self.begin(peer, StreamService.collect.path, message)
        }
        for _ in 0..<3 { for id in ids { peer.send(id, message, end: false) } }
        for id in ids { peer.send(id, message, end: true) }
        for id in ids { #expect(peer.answer(id).grpcStatus == "0") }
      }
    }
  }
}
