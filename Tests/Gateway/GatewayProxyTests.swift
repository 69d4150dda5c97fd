import Messages
import RPCCore
import SharedDomain
import TestSupport
import Testing

@testable import GatewayProxy

private let path = "/kontor.shop.v1.OrderService/GetOrder"

@Suite("The gateway's way through")
struct GatewayProxyTests {
  @Test("only named request metadata is passed on; claims to be somebody are dropped")
  func requestMetadata() async throws {
    let backends = FakeBackends()
    var metadata: Metadata = [
      "authorization": "Bearer kat1.a.b.c", "accept-language": "de-CH",
      "tracestate": "vendor=1", "x-kontor-principal": "user:1", "x-forwarded-for": "10.0.0.1",
      "x-correlation-id": "chosen", "x-user-id": "1", "cookie": "a=b", "forwarded": "for=1",
      "x-real-ip": "10.0.0.1", "user-agent": "test",
    ]
    metadata.append("claims-bin", binary: [1])
    _ = try await backends.proxy().handle(
      method: path, request: [1],
      context: clientContext(path, metadata: metadata, traceparent: "00-1-2-01"))
    let sent = try #require(backends.shop.calls.first).options.metadata
    let expected: Metadata = [
      "authorization": "Bearer kat1.a.b.c", "accept-language": "de-CH", "tracestate": "vendor=1",
      "traceparent": "00-1-2-01", "x-correlation-id": "c-1", "x-forwarded-for": "192.0.2.7",
    ]
    #expect(Set(sent.entries) == Set(expected.entries))
    #expect(sent.count == expected.count)
  }

  @Test("two authorization values both arrive, for the service to refuse")
  func twoTokens() async throws {
    let backends = FakeBackends()
    let metadata: Metadata = ["authorization": "Bearer a", "authorization": "Bearer b"]
    _ = try await backends.proxy().handle(
      method: path, request: [], context: clientContext(path, metadata: metadata))
    #expect(
      backends.shop.calls.first?.options.metadata.values("authorization")
        == ["Bearer a", "Bearer b"])
  }

  @Test("an accept-language beyond the limit is dropped")
  func longLanguage() async throws {
    let backends = FakeBackends()
    let metadata: Metadata = ["accept-language": String(repeating: "d", count: 257)]
    _ = try await backends.proxy().handle(
      method: path, request: [], context: clientContext(path, metadata: metadata))
    #expect(backends.shop.calls.first?.options.metadata["accept-language"] == nil)
  }

  @Test("what is left of the client's deadline travels on")
  func deadline() async throws {
    let backends = FakeBackends()
    _ = try await backends.proxy().handle(
      method: path, request: [],
      context: clientContext(path, deadline: Deadline(after: .seconds(5))))
    let timeout = try #require(backends.shop.calls.first?.options.timeout)
    #expect(timeout <= .seconds(5))
    #expect(timeout > .zero)
  }

  @Test("a call without a deadline gets the default, a long one the maximum")
  func deadlineBounds() async throws {
    var limits = GatewayLimits()
    limits.defaultTimeout = .seconds(7)
    limits.maximumTimeout = .seconds(9)
    let backends = FakeBackends()
    let proxy = backends.proxy(limits)
    _ = try await proxy.handle(method: path, request: [], context: clientContext(path))
    _ = try await proxy.handle(
      method: path, request: [],
      context: clientContext(path, deadline: Deadline(after: .seconds(100_000))))
    #expect(backends.shop.calls.map(\.options.timeout) == [.seconds(7), .seconds(9)])
  }

  @Test("a deadline that has passed is not forwarded")
  func pastDeadline() async throws {
    let backends = FakeBackends()
    let error = try #require(
      await #expect(throws: RPCError.self) {
        try await backends.proxy().handle(
          method: path, request: [],
          context: clientContext(path, deadline: Deadline(uptimeNanoseconds: 1)))
      })
    #expect(error.code == .deadlineExceeded)
    #expect(backends.totalCalls == 0)
  }

  @Test("the answer's metadata comes back without what is internal, with the correlation id")
  func answerMetadata() async throws {
    let backends = FakeBackends {
      FakeChannel { _ in
        RawResponse(
          message: [9],
          initialMetadata: ["x-internal-node": "a", "content-language": "de"],
          trailingMetadata: [
            "x-kontor-shard": "3", "x-correlation-id": "other", "x-forwarded-for": "10.1.1.1",
            "retry-after": "3",
          ])
      }
    }
    let answer = try await backends.proxy().handle(
      method: path, request: [], context: clientContext(path))
    #expect(answer.message == [9])
    #expect(answer.initialMetadata == ["content-language": "de"])
    #expect(answer.trailingMetadata == ["retry-after": "3", "x-correlation-id": "c-1"])
  }

  @Test("status, message and details pass as they are", arguments: StatusCode.allCases.dropFirst())
  func errors(code: StatusCode) async throws {
    var original = RPCError(
      code, reason: "SOME_REASON", "what happened", metadata: ["key": "value"],
      fields: [FieldViolation(field: "a.b", description: "is wrong")])
    original.metadata = ["x-internal-node": "a", "retry-after": "1"]
    let failure = original
    let backends = FakeBackends { FakeChannel { _ in throw failure } }
    let error = try #require(
      await #expect(throws: RPCError.self) {
        try await backends.proxy().handle(
          method: path, request: [], context: clientContext(path))
      })
    #expect(error.code == code)
    #expect(error.message == original.message)
    #expect(error.details == original.details)
    #expect(error.metadata == ["retry-after": "1", "x-correlation-id": "c-1"])
  }

  @Test("a failed call's initial metadata comes back too, without what is internal")
  func metadataOfFailure() async throws {
    let backends = FakeBackends {
      FakeChannel { call in
        call.options.response?.begin(["x-internal-node": "a", "content-language": "de"])
        throw RPCError(.notFound, "no")
      }
    }
    let context = try clientContext(path)
    await #expect(throws: RPCError.self) {
      try await backends.proxy().handle(method: path, request: [], context: context)
    }
    #expect(context.response.initialMetadata == ["content-language": "de"])
  }

  @Test("an UNAVAILABLE from the connection tells nothing of addresses")
  func unreachable() async throws {
    let backends = FakeBackends {
      FakeChannel { _ in throw RPCError(.unavailable, "connect to 10.0.0.3:8446 refused") }
    }
    let error = try #require(
      await #expect(throws: RPCError.self) {
        try await backends.proxy().handle(
          method: path, request: [], context: clientContext(path))
      })
    #expect(error.code == .unavailable)
    #expect(error.reason == "SERVICE_UNAVAILABLE")
    #expect(!error.message.contains("10.0.0.3"))
    #expect(error.metadata["x-correlation-id"] == "c-1")
  }

  @Test("calls under way from one address have a limit; other addresses go on")
  func limitPerAddress() async throws {
    var limits = GatewayLimits()
    limits.callsInFlightPerAddress = 3
    let gate = Gate()
    // A call that should have been refused is answered at once.
    let places = Counter()
    let backends = FakeBackends {
      FakeChannel { call in
        if places.next() <= 3 { await gate.pass() }
        return RawResponse(message: call.request)
      }
    }
    let proxy = backends.proxy(limits)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for port in 0..<3 {
        let context = try clientContext(path, address: "192.0.2.7:\(40_000 + port)")
        group.addTask { _ = try await proxy.handle(method: path, request: [], context: context) }
      }
      await gate.arrived(3)
      let error = await #expect(throws: RPCError.self) {
        try await proxy.handle(
          method: path, request: [], context: clientContext(path, address: "192.0.2.7:50000"))
      }
      #expect(error?.code == .resourceExhausted)
      #expect(error?.reason == "CALLS_IN_FLIGHT_PER_ADDRESS_LIMIT")
      await #expect(throws: Never.self) {
        try await proxy.handle(
          method: path, request: [], context: clientContext(path, address: "192.0.2.8:50000"))
      }
      gate.open()
      try await group.waitForAll()
    }
    _ = try await proxy.handle(
      method: path, request: [], context: clientContext(path, address: "192.0.2.7:50001"))
  }

  @Test("calls under way from all addresses together have a limit")
  func limitOfAll() async throws {
    var limits = GatewayLimits()
    limits.callsInFlight = 2
    let gate = Gate()
    // A call that should have been refused is answered at once.
    let places = Counter()
    let backends = FakeBackends {
      FakeChannel { call in
        if places.next() <= 2 { await gate.pass() }
        return RawResponse(message: call.request)
      }
    }
    let proxy = backends.proxy(limits)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...2 {
        let context = try clientContext(path, address: "192.0.2.\(number):40000")
        group.addTask { _ = try await proxy.handle(method: path, request: [], context: context) }
      }
      await gate.arrived(2)
      let error = await #expect(throws: RPCError.self) {
        try await proxy.handle(
          method: path, request: [], context: clientContext(path, address: "192.0.2.3:40000"))
      }
      #expect(error?.code == .resourceExhausted)
      #expect(error?.reason == "CALLS_IN_FLIGHT_LIMIT")
      gate.open()
      try await group.waitForAll()
    }
    _ = try await proxy.handle(method: path, request: [], context: clientContext(path))
  }

  @Test("a failed call gives its place back")
  func limitAfterFailure() async throws {
    var limits = GatewayLimits()
    limits.callsInFlightPerAddress = 1
    limits.callsInFlight = 1
    let backends = FakeBackends { FakeChannel { _ in throw RPCError(.notFound, "no") } }
    let proxy = backends.proxy(limits)
    for _ in 0..<3 {
      let error = try #require(
        await #expect(throws: RPCError.self) {
          try await proxy.handle(method: path, request: [], context: clientContext(path))
        })
      #expect(error.code == .notFound)
    }
  }

  @Test(
    "a client's address is read without its port, IPv6 counted by network",
    arguments: [
      ("192.0.2.7:40001", "192.0.2.7", "192.0.2.7"),
      ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
      ("[2001:db8::7]:443", "2001:db8::7", "2001:db8:0:0::/64"),
      ("[::1]:443", "::1", "0:0:0:0::/64"),
      ("[::ffff:192.0.2.7]:443", "::ffff:192.0.2.7", "::ffff:192.0.2.7"),
      ("", "", ""), ("[", "[", "["), (":::::", ":::::", ":::::"),
      ("2001:db8::7", "2001:db8::7", "2001:db8:0:0::/64"),
    ])
  func addresses(remote: String, text: String, network: String) {
    let address = ClientAddress(remoteAddress: remote)
    #expect(address.text == text)
    if remote != ":::::" { #expect(address.network == network) }
  }
}
