import GoogleAPI
import HTTP2
import Messages
import NIOCore
import NIOPosix
import RPCCore
import TestSupport
import Testing

@testable import RPCTransport

/// Every limit in time: nothing happens before it, and the end comes at it. Limits are far away from
/// the time that the tests themselves take.
@Suite(.onOwnThread) struct TimeLimitTests {
  private static let seconds = 1000

  private static func withPeer(
    receiveBufferBytes: Int32? = nil, windowBytes: Int32? = nil,
    _ change: (inout RPCLimits) -> Void, _ body: (TestServer, RawPeer) async throws -> Void
  ) async throws {
    var limits = RPCLimits()
    change(&limits)
    try await withServer(try await TestServer(limits: limits)) { server in
      let peer = try RawPeer(
        port: server.port, certificates: server.certificates,
        receiveBufferBytes: receiveBufferBytes, windowBytes: windowBytes)
      try await body(server, peer)
      let other = try RawPeer(port: server.port, certificates: server.certificates)
      try other.begin()
      try answerOne(other)
    }
  }

  /// One call that is answered: the server has then taken in all that came before on the connection,
  /// and has accepted all connections made before.
  private static func answerOne(_ peer: RawPeer) throws {
    let id = try peer.request(MalformedInputTests.fields(), try MalformedInputTests.framed("x"))
    #expect(peer.answer(id).grpcStatus == "0")
  }

  /// The time passes on the server; the peer's connection ends with it and not before.
  private static func expectEnd(_ server: TestServer, _ peer: RawPeer) async throws {
    try await server.advance(seconds: seconds - 20)
    #expect(!peer.isEnded)
    try await server.advance(seconds: 20)
    peer.readToEnd()
  }

  @Test("A TLS handshake that does not come")
  func handshake() async throws {
    try await Self.withPeer {
      $0.handshakeSeconds = Self.seconds
    } _: { server, peer in
      peer.writeRaw([22, 3, 1])
      let other = try RawPeer(port: server.port, certificates: server.certificates)
      try other.begin()
      try Self.answerOne(other)
      try await Self.expectEnd(server, peer)
    }
  }

  @Test("An HTTP/2 preface that does not come")
  func preface() async throws {
    try await Self.withPeer {
      $0.handshakeSeconds = Self.seconds * 1000
      $0.prefaceSeconds = Self.seconds
    } _: { server, peer in
      try peer.handshake()
      // The server's SETTINGS: its end of the handshake is over as well.
      peer.readSome()
      try await Self.expectEnd(server, peer)
    }
  }

  @Test("A header block that does not end, CONTINUATION by CONTINUATION")
  func headers() async throws {
    try await Self.withPeer {
      $0.headerSeconds = Self.seconds
    } _: { server, peer in
      try peer.begin()
      // In one record with the PING that is answered.
      try peer.write(
        [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
          + [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82] + [0, 0, 0, 9, 0, 0, 0, 0, 1])
      peer.read { peer.pingsAcknowledged == 1 }
      try await Self.expectEnd(server, peer)
      #expect(peer.goAway == .enhanceYourCalm)
    }
  }

  @Test("A request that does not end is answered DEADLINE_EXCEEDED", arguments: [true, false])
  func request(isUnary: Bool) async throws {
    try await Self.withPeer {
      $0.requestSeconds = Self.seconds
    } _: { server, peer in
      try peer.begin()
      let path = isUnary ? EchoService.echo.path : StreamService.count.path
      let id = try peer.request(
        MalformedInputTests.fields([":path": path]), [0, 0, 0, 0, 9, 1], end: false)
      try Self.answerOne(peer)
      try await server.advance(seconds: Self.seconds - 20)
      try Self.answerOne(peer)
      #expect(peer.answers[id]?.blocks.isEmpty == true)
      try await server.advance(seconds: 21)
      #expect(peer.answer(id).grpcStatus == "4")
    }
  }

  @Test("A request that is not gRPC and does not end is answered nevertheless")
  func notGRPC() async throws {
    try await Self.withPeer {
      $0.requestSeconds = Self.seconds
    } _: { server, peer in
      try peer.begin()
      let id = try peer.request(
        MalformedInputTests.fields([":method": "PUT"]), [1, 2, 3], end: false)
      try Self.answerOne(peer)
      try await server.advance(seconds: Self.seconds - 20)
      try Self.answerOne(peer)
      #expect(peer.answers[id]?.blocks.isEmpty == true)
      try await server.advance(seconds: 21)
      #expect(peer.answer(id).httpStatus == "405")
    }
  }

  @Test("A socket that takes no bytes")
  func writeProgress() async throws {
    try await Self.withPeer(receiveBufferBytes: 4096, windowBytes: 256 * 1024 * 1024) {
      $0.writeProgressSeconds = Self.seconds
      $0.serverKeepaliveSeconds = 1_000_000_000
    } _: { server, peer in
      try peer.begin()
      let large = try AnyMessage(typeURL: "100000", value: [UInt8](repeating: 1, count: 32_768))
        .serialized()
      let prefix = [UInt8(0), 0, UInt8(large.count >> 16), UInt8(large.count >> 8 & 0xFF)]
      try peer.request(
        MalformedInputTests.fields([":path": StreamService.count.path]),
        prefix + [UInt8(large.count & 0xFF)] + large)
      // The handler writes until the socket is full; then nothing moves but the time.
      await server.events.wait(for: "count began")
      try await server.advance(seconds: Self.seconds) {
        server.events.count("count ended CANCELLED") > 0
      }
      peer.readToEnd()
      #expect(peer.isClosed)
    }
  }

  @Test("An answer that the peer's window does not let out is dropped")
  func unread() async throws {
    try await Self.withPeer(windowBytes: 10) {
      $0.unreadAnswerSeconds = Self.seconds
    } _: { server, peer in
      peer.consumes = false
      try peer.begin()
      let id = try peer.request(
        MalformedInputTests.fields(), try MalformedInputTests.framed("longer than the window"))
      peer.read { peer.answers[id]?.blocks.isEmpty == false }
      try await server.advance(seconds: 1)
      try await server.advance(seconds: Self.seconds - 20)
      peer.ping()
      peer.read { peer.pingsAcknowledged == 1 }
      #expect(peer.answers[id]?.closeCode == nil)
      try await server.advance(seconds: 20)
      #expect(peer.answer(id).closeCode == .cancel)
    }
  }

  @Test("A peer that does not close after our last byte")
  func linger() async throws {
    var limits = RPCLimits()
    limits.lingerSeconds = Self.seconds
    try await withServer(try await TestServer(limits: limits)) { server in
      var peers = [try RawPeer(port: server.port, certificates: server.certificates)]
      try peers[0].begin()
      try Self.answerOne(peers[0])
      let drain = Task { await server.server.drain(grace: .seconds(3600)) }
      peers[0].readToEnd()
      #expect(server.server.connections == 1)
      try await server.advance(seconds: Self.seconds)
      await #expect(throws: Never.self) {
        try await server.advance(seconds: 0) { server.server.connections == 0 }
      }
      // Without its peer the connection ends, and the drain with it, in any case.
      peers.removeAll()
      await drain.value
    }
  }

  @Test("Connections beyond the limit are closed at once, of one address and of all")
  func connections() async throws {
    for isTotal in [true, false] {
      var limits = RPCLimits()
      if isTotal { limits.maximumConnections = 2 } else { limits.maximumConnectionsPerAddress = 2 }
      try await withServer(try await TestServer(limits: limits)) { server in
        var peers = try (0..<2).map { _ in
          try RawPeer(port: server.port, certificates: server.certificates)
        }
        for peer in peers {
          try peer.begin()
          try Self.answerOne(peer)
        }
        let third = try RawPeer(port: server.port, certificates: server.certificates)
        try? third.begin()
        #expect(third.isClosed && !third.isOpen)
        for peer in peers { try Self.answerOne(peer) }
        // One that ends makes room.
        peers.removeFirst()
        while server.server.connections == 2 { await Task.yield() }
        let next = try RawPeer(port: server.port, certificates: server.certificates)
        try next.begin()
        try Self.answerOne(next)
      }
    }
  }
}
