import GoogleAPI
import HTTP2
import NIOCore
import RPCCore
import TestSupport
import Testing

@testable import RPCTransport

private let second: UInt64 = 1_000_000_000

@Suite(.onOwnThread) struct KeepaliveTests {
  @Test("A silent peer is asked after the interval and given up after the timeout")
  func silence() {
    var keepalive = Keepalive(intervalSeconds: 10, timeoutSeconds: 20, pingsWithoutCalls: false)
    func check(_ seconds: UInt64, hasCalls: Bool = true) -> Keepalive.Action {
      keepalive.check(now: seconds * second, lastInput: 0, hasCalls: hasCalls)
    }
    #expect(check(9) == .wait)
    #expect(check(100, hasCalls: false) == .wait)
    #expect(check(10) == .ping)
    #expect(check(29) == .wait)
    #expect(check(30) == .giveUp)
  }

  @Test("Any input after the PING proves the peer alive, and the interval begins anew")
  func alive() {
    var keepalive = Keepalive(intervalSeconds: 10, timeoutSeconds: 20, pingsWithoutCalls: true)
    #expect(keepalive.check(now: 10 * second, lastInput: 0, hasCalls: false) == .ping)
    #expect(keepalive.check(now: 30 * second, lastInput: 11 * second, hasCalls: false) == .wait)
    #expect(keepalive.check(now: 31 * second, lastInput: 22 * second, hasCalls: false) == .wait)
    #expect(keepalive.check(now: 32 * second, lastInput: 22 * second, hasCalls: false) == .ping)
  }

  @Test("PINGs too soon are struck, and the third strike is too many")
  func strikes() {
    var strikes = PingStrikes(.standard)
    func ping(_ seconds: UInt64, hasCalls: Bool = true, hasSent: Bool = false) -> Bool {
      strikes.received(now: seconds * second, hasCalls: hasCalls, hasSent: hasSent)
    }
    let first = [ping(0), ping(300), ping(600)]
    #expect(first == [true, true, true])
    let early = [ping(899), ping(1000), ping(1001)]
    #expect(early == [true, true, false])
    // What we send clears the count.
    let cleared = [ping(1002, hasSent: true), ping(1003), ping(1004), ping(1005)]
    #expect(cleared == [true, true, true, false])
  }

  @Test("Without calls two hours must pass between PINGs")
  func idleStrikes() {
    var strikes = PingStrikes(.standard)
    let answers = [UInt64(0), 7200, 7500, 7800, 8100].map {
      strikes.received(now: $0 * second, hasCalls: false, hasSent: false)
    }
    #expect(answers == [true, true, true, true, false])
  }

  /// A raw connection with one call that does not end.
  private static func withWaitingCall(
    limits: RPCLimits = .standard, _ body: (TestServer, RawPeer, Int32) async throws -> Void
  ) async throws {
    try await withServer(try await TestServer(limits: limits)) { server in
      let peer = try RawPeer(port: server.port, certificates: server.certificates)
      try peer.begin()
      let id = try peer.request(
        MalformedInputTests.fields(), try MalformedInputTests.framed("wait"))
      await server.events.wait(for: "started")
      try await body(server, peer, id)
    }
  }

  @Test("A client that pings too often gets GOAWAY with too_many_pings")
  func enforced() async throws {
    try await Self.withWaitingCall { server, peer, _ in
      for count in 1...3 {
        peer.ping()
        peer.read { peer.pingsAcknowledged == count }
      }
      #expect(peer.goAways.isEmpty)
      peer.ping()
      peer.read { !peer.goAways.isEmpty || peer.pingsAcknowledged == 4 }
      try #require(peer.goAways.map(\.code) == [.enhanceYourCalm])
      #expect(peer.goAways.map(\.debugData) == ["too_many_pings"])
      peer.readToEnd()
      await server.events.wait(for: "cancelled")
    }
  }

  @Test("A client that pings every five minutes, or after each answer, is let be")
  func tolerated() async throws {
    try await Self.withWaitingCall { server, peer, _ in
      var pings = 0
      func ping() {
        pings += 1
        peer.ping()
        peer.read { peer.pingsAcknowledged == pings }
      }
      for _ in 0..<10 {
        ping()
        try await server.advance(seconds: 300)
      }
      for _ in 0..<10 {
        let id = try peer.request(
          MalformedInputTests.fields(), try MalformedInputTests.framed("x"))
        #expect(peer.answer(id).grpcStatus == "0")
        ping()
      }
      #expect(peer.goAways.isEmpty && !peer.isClosed)
    }
  }

  @Test("A server pings after two silent hours; a client that answers stays")
  func serverPings() async throws {
    try await Self.withWaitingCall { server, peer, _ in
      try await server.advance(seconds: 2 * 60 * 60)
      peer.read { peer.pingsReceived == 1 }
      // The answer to the PING is before this call on the wire.
      let id = try peer.request(MalformedInputTests.fields(), try MalformedInputTests.framed("x"))
      #expect(peer.answer(id).grpcStatus == "0")
      try await server.advance(seconds: 20)
      let next = try peer.request(
        MalformedInputTests.fields(), try MalformedInputTests.framed("x"))
      #expect(peer.answer(next).grpcStatus == "0")
    }
  }

  @Test("A client that answers no PING in time is gone, and its calls are cancelled")
  func serverGivesUp() async throws {
    var limits = RPCLimits()
    limits.keepaliveTimeoutSeconds = 1000
    try await Self.withWaitingCall(limits: limits) { server, peer, _ in
      try await server.advance(seconds: 2 * 60 * 60)
      try await server.advance(seconds: 900)
      #expect(server.events.count("cancelled") == 0)
      try await server.advance(seconds: 100)
      await server.events.wait(for: "cancelled")
      peer.readToEnd()
      #expect(peer.isClosed)
    }
  }

  @Test("A client that is told too_many_pings pings half as often")
  func clientSlowsDown() async throws {
    try await withServer(try await TestServer()) { server in
      var limits = RPCLimits()
      limits.clientKeepaliveSeconds = 1
      // The time runs ahead of the answers here.
      limits.keepaliveTimeoutSeconds = 1_000_000
      let channel = try server.channel(limits: limits)
      let call = Task { await failure { _ = try await channel.echo("wait") } }
      await server.events.wait(for: "started")
      // Ten seconds are the least interval.
      try await server.advance(seconds: 10) { server.events.count("cancelled") > 0 }
      #expect(await call.value?.code == .unavailable)
      let seconds = try await channel.home.submit {
        channel.part(of: channel.home)?.keepaliveSeconds
      }.get()
      #expect(seconds == 20)
      #expect(try await channel.echo("x").typeURL == "x")
      await channel.close()
    }
  }
}

@Suite(.onOwnThread) struct ConnectionAgeTests {
  private static var limits: RPCLimits {
    var limits = RPCLimits()
    limits.maximumConnectionAgeSeconds = 60
    limits.connectionAgeGraceSeconds = 10
    return limits
  }

  @Test("The age varies by ten percent and no more", arguments: [0, 1, 12_000_000_000, UInt64.max])
  func jitter(random: UInt64) {
    var age = ConnectionAge(Self.limits, now: 0, random: random)
    #expect(age.check(now: 54 * second - 1, hasCalls: true) == .live)
    #expect(age.check(now: 66 * second, hasCalls: true) == .drain)
  }

  @Test("After its age a connection has the grace, then its calls are cut off")
  func grace() {
    var age = ConnectionAge(Self.limits, now: 0, random: 0)
    #expect(age.check(now: 54 * second, hasCalls: true) == .drain)
    #expect(age.check(now: 63 * second, hasCalls: true) == .live)
    #expect(age.check(now: 64 * second, hasCalls: true) == .cutOff)
  }

  @Test("Idle counts from the last call's end, and another drain is not repeated")
  func idle() {
    var limits = RPCLimits()
    limits.idleSeconds = 100
    var age = ConnectionAge(limits, now: 0, random: 0)
    #expect(age.check(now: 90 * second, hasCalls: true) == .live)
    #expect(age.check(now: 189 * second, hasCalls: false) == .live)
    var other = age
    #expect(age.check(now: 190 * second, hasCalls: false) == .drain)
    #expect(age.check(now: 900 * second, hasCalls: false) == .live)
    other.drainBegan()
    #expect(other.check(now: 190 * second, hasCalls: false) == .live)
  }

  @Test("At its age a connection takes no new calls, and those that run end well")
  func drains() async throws {
    var limits = Self.limits
    limits.connectionAgeGraceSeconds = 1000
    try await withServer(try await TestServer(limits: limits)) { server in
      let peer = try RawPeer(port: server.port, certificates: server.certificates)
      try peer.begin()
      let id = try peer.request(
        MalformedInputTests.fields(), try MalformedInputTests.framed("gate"))
      await server.events.wait(for: "started")
      try await server.advance(seconds: 66)
      peer.read { peer.goAways.count == 2 }
      #expect(peer.goAways.map(\.lastStreamID) == [.max, id])
      #expect(peer.goAways.allSatisfy { $0.code == .noError })
      server.events.note("open")
      #expect(peer.answer(id).grpcStatus == "0")
      peer.readToEnd()
    }
  }

  @Test("A call that outlasts the grace is cut off and its handler cancelled")
  func cutsOff() async throws {
    var limits = Self.limits
    limits.connectionAgeGraceSeconds = 1000
    try await withServer(try await TestServer(limits: limits)) { server in
      let channel = try server.channel()
      let call = Task { await failure { _ = try await channel.echo("wait") } }
      await server.events.wait(for: "started")
      try await server.advance(seconds: 66)
      try await server.advance(seconds: 900)
      #expect(server.events.count("cancelled") == 0)
      try await server.advance(seconds: 100)
      #expect(await call.value?.code == .unavailable)
      await server.events.wait(for: "cancelled")
      // The next call finds a new connection.
      #expect(try await channel.echo("x").typeURL == "x")
      await channel.close()
    }
  }

  @Test("A connection without calls is drained after its idle time, one with a call is not")
  func idleConnection() async throws {
    try await withServer(try await TestServer()) { server in
      let idle = try RawPeer(port: server.port, certificates: server.certificates)
      try idle.begin()
      let busy = try RawPeer(port: server.port, certificates: server.certificates)
      try busy.begin()
      let id = try busy.request(
        MalformedInputTests.fields(), try MalformedInputTests.framed("gate"))
      await server.events.wait(for: "started")
      try await server.advance(seconds: 15 * 60)
      idle.readToEnd()
      #expect(idle.goAway == .noError)
      server.events.note("open")
      #expect(busy.answer(id).grpcStatus == "0")
      #expect(busy.goAways.isEmpty)
    }
  }
}
