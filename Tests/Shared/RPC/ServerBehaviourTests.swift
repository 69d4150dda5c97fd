import GoogleAPI
import Logging
import NIOCore
import NIOPosix
import RPCCore
import Synchronization
import TLS
import TestSupport
import Testing

@testable import RPCTransport

@Suite struct MutualTLSTests {
  private static let allowed: [String: Set<String>] = [
    EchoService.echo.service: ["shop.kontor", "gateway.kontor"]
  ]

  @Test("A peer on the list may call, and the handler sees its names")
  func allowed() async throws {
    let server = try await TestServer(mutualTLS: true, allowedPeers: Self.allowed)
    try await withServer(server) { server in
      let channel = try server.channel(clientName: "shop.kontor")
      let answer = try await channel.echo("context")
      #expect(answer.typeURL.hasSuffix(" shop.kontor"))
      await channel.close()
    }
  }

  @Test("A peer that is not on the list gets PERMISSION_DENIED")
  func denied() async throws {
    let server = try await TestServer(mutualTLS: true, allowedPeers: Self.allowed)
    try await withServer(server) { server in
      let channel = try server.channel(clientName: "accounting.kontor")
      let error = await failure { _ = try await channel.echo("x") }
      #expect(error?.code == .permissionDenied)
      #expect(error?.reason == "PEER_NOT_ALLOWED")
      await channel.close()
    }
  }

  @Test("A service without a list is closed to every peer")
  func unlisted() async throws {
    let server = try await TestServer(mutualTLS: true, allowedPeers: Self.allowed)
    try await withServer(server) { server in
      let channel = try server.channel(clientName: "shop.kontor")
      let error = await failure { _ = try await channel.echo("x", method: EchoService.other) }
      #expect(error?.code == .permissionDenied)
      await channel.close()
    }
  }

  @Test(
    "A client without a certificate is refused by TLS 1.2 and 1.3",
    arguments: [
      TLSVersion.tls12, .tls13,
    ])
  func noCertificate(version: TLSVersion) async throws {
    let server = try await TestServer(
      mutualTLS: true, allowedPeers: Self.allowed, maximumVersion: version)
    try await withServer(server) { server in
      let channel = try server.channel()
      let error = await failure { _ = try await channel.echo("x") }
      #expect(error?.code == .unavailable)
      await channel.close()
    }
  }

  @Test("Health is open to every peer that has a name, and to none without one")
  func health() {
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let core = ServerCore(
      services: [], interceptors: [], fallback: nil, allowedPeers: Self.allowed,
      limits: .standard, logger: logger)
    #expect(core.allows(["accounting.kontor"], toCall: ServerCore.healthService))
    // A verified certificate may name addresses only.
    #expect(!core.allows([], toCall: ServerCore.healthService))
  }

  @Test("A client refuses a server whose certificate has another name")
  func wrongName() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel(serverName: "other.test")
      let error = await failure { _ = try await channel.echo("x") }
      #expect(error?.code == .unavailable)
      #expect(error?.message.contains("certificate of other.test") == true)
      await channel.close()
    }
  }
}

/// What a crowd of callers has seen.
private final class Tally: Sendable {
  private struct State {
    var succeeded = 0
    var errors: [RPCError] = []
    var isStopped = false
  }
  private let state = Mutex(State())

  var succeeded: Int { state.withLock { $0.succeeded } }
  var errors: [RPCError] { state.withLock { $0.errors } }
  var isStopped: Bool { state.withLock { $0.isStopped } }
  func stop() { state.withLock { $0.isStopped = true } }
  func note(_ error: RPCError?) {
    state.withLock { state in
      if let error { state.errors.append(error) } else { state.succeeded += 1 }
    }
  }
}

@Suite struct DrainTests {
  @Test("A drain loses no accepted call")
  func losesNothing() async throws {
    let server = try await TestServer()
    let channel = try server.channel()
    let calls = (0..<50).map { _ in Task { try await channel.echo("gate").typeURL } }
    while server.events.count("started") < 50 { await Task.yield() }
    let drain = Task { await server.server.drain(grace: .seconds(20)) }
    server.events.note("open")
    for call in calls { #expect(try await call.value == "gate") }
    await drain.value
    await channel.close()
    try await server.group.shutdownGracefully()
  }

  @Test("Drains at once all end when the last connection is gone")
  func atOnce() async throws {
    let server = try await TestServer()
    let channel = try server.channel()
    let call = Task { try await channel.echo("gate").typeURL }
    await server.events.wait(for: "started")
    let drains = (0..<3).map { number in
      Task {
        async let drain: Void = server.server.drain(grace: .seconds(20))
        server.events.note("draining \(number)")
        await drain
      }
    }
    for number in drains.indices { await server.events.wait(for: "draining \(number)") }
    server.events.note("open")
    #expect(try await call.value == "gate")
    for drain in drains { await drain.value }
    await channel.close()
    try await server.group.shutdownGracefully()
  }

  @Test("Streams of every kind go on while the server drains, and end well")
  func streams() async throws {
    let server = try await TestServer()
    let channel = try server.channel()
    let drain = Mutex<Task<Void, Never>?>(nil)
    let large = [UInt8](repeating: 1, count: 65_536)
    // 200 messages are more than the window: most are written after the drain has begun.
    let counted = try await channel.serverStreaming(
      StreamService.count, AnyMessage(typeURL: "200", value: large), options: CallOptions()
    ) { (numbers: MessageReader<AnyMessage>) in
      var all = [try await numbers.next()?.typeURL]
      return try await channel.bidirectional(StreamService.chat, options: CallOptions()) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        try await writer.write(AnyMessage(typeURL: "before"))
        #expect(try await answers.next()?.typeURL == "before")
        let collected: AnyMessage = try await channel.clientStreaming(
          StreamService.collect, options: CallOptions()
        ) { (requests: MessageWriter<AnyMessage>) in
          try await requests.write(AnyMessage(typeURL: "before"))
          drain.withLock { task in
            task = Task { await server.server.drain(grace: .seconds(60)) }
          }
          try await requests.write(AnyMessage(typeURL: "gate"))
          await server.events.wait(for: "started")
          server.events.note("open")
          try await requests.write(AnyMessage(typeURL: "after"))
        }
        #expect(collected.typeURL == "3")
        for _ in 0..<20 {
          try await writer.write(AnyMessage(typeURL: "during", value: large))
          #expect(try await answers.next()?.value == large)
        }
        await writer.finish()
        #expect(try await answers.next()?.typeURL == "end")
        while let number = try await numbers.next() { all.append(number.typeURL) }
        return all
      }
    }
    #expect(counted == (0..<200).map { "\($0)" })
    await drain.withLock { $0 }?.value
    let late = await failure { _ = try await channel.echo("x") }
    #expect(late?.code == .unavailable)
    await channel.close()
    try await server.group.shutdownGracefully()
  }

  @Test("A stream that outlasts the grace is cut off, and its handler learns it")
  func streamGrace() async throws {
    let server = try await TestServer()
    let channel = try server.channel()
    let error = await failure {
      try await channel.bidirectional(StreamService.chat, options: CallOptions()) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        try await writer.write(AnyMessage(typeURL: "before"))
        _ = try await answers.next()
        await server.server.drain(grace: .milliseconds(20))
        _ = try await answers.next()
      }
    }
    #expect(error?.code == .unavailable)
    await server.events.wait(for: "ended CANCELLED")
    await channel.close()
    try await server.group.shutdownGracefully()
  }

  @Test("Calls keep succeeding or fail unprocessed while servers are replaced")
  func replacement() async throws {
    let certificates = try TestCertificates()
    let first = try await TestServer.onFixedPort(certificates: certificates)
    let channel = try first.channel()
    let tally = Tally()
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Also when a server does not start: the group waits for its tasks.
      defer { tally.stop() }
      for _ in 0..<8 {
        group.addTask {
          while !tally.isStopped {
            let error = await failure {
              _ = try await channel.echo(
                "hop", options: CallOptions(timeout: .seconds(10), waitForReady: true))
            }
            tally.note(error)
          }
        }
      }
      while tally.succeeded < 500 { await Task.yield() }
      await first.server.drain(grace: .seconds(10))
      let second = try await TestServer(port: first.port, certificates: certificates)
      let before = tally.succeeded
      while tally.succeeded < before + 500 { await Task.yield() }
      tally.stop()
      try await group.waitForAll()
      await channel.close()
      try await second.stop()
    }
    #expect(tally.errors.isEmpty)
    try await first.group.shutdownGracefully()
  }

  @Test(
    "A rolling restart of two servers loses no call, waiting for readiness or not",
    arguments: LoadBalancingPolicy.allCases, [true, false])
  func rollingRestart(policy: LoadBalancingPolicy, waitForReady: Bool) async throws {
    let certificates = try TestCertificates()
    var servers = [
      try await TestServer.onFixedPort(certificates: certificates),
      try await TestServer.onFixedPort(certificates: certificates),
    ]
    let first = servers[0]
    let channel = try first.channel(
      to: ChannelTarget(servers.map { HostPort(host: "127.0.0.1", port: $0.port) }),
      serviceConfig: ServiceConfig(loadBalancingPolicy: policy))
    let tally = Tally()
    let options = CallOptions(timeout: .seconds(60), waitForReady: waitForReady)
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { tally.stop() }
      for caller in 0..<8 {
        group.addTask {
          while !tally.isStopped {
            let error = await failure {
              if caller.isMultiple(of: 2) {
                _ = try await channel.echo("hop", options: options)
              } else {
                let _: AnyMessage = try await channel.clientStreaming(
                  StreamService.collect, options: options
                ) { (writer: MessageWriter<AnyMessage>) in
                  for _ in 0..<3 { try await writer.write(AnyMessage(typeURL: "x")) }
                }
              }
            }
            tally.note(error)
          }
        }
      }
      for place in [0, 1, 0, 1] {
        let before = tally.succeeded
        while tally.succeeded < before + 200 { await Task.yield() }
        let old = servers[place]
        await old.server.drain(grace: .seconds(20))
        servers[place] = try await TestServer(port: old.port, certificates: certificates)
        if old !== first { try await old.group.shutdownGracefully() }
        // Only one at a time is away: the next is not before this one is found again.
        while policy == .roundRobin, servers[place].events.read.current == 0 { await Task.yield() }
      }
      tally.stop()
      try await group.waitForAll()
    }
    await channel.close()
    for server in servers { try await server.stop() }
    #expect(tally.errors.isEmpty)
    try await first.group.shutdownGracefully()
  }

  @Test("A handler that outlasts the grace is cancelled")
  func grace() async throws {
    let server = try await TestServer()
    let channel = try server.channel()
    let call = Task { try await channel.echo("wait") }
    await server.events.wait(for: "started")
    await server.server.drain(grace: .milliseconds(20))
    let error = await failure { _ = try await call.value }
    #expect(error?.code == .unavailable)
    await server.events.wait(for: "cancelled")
    await channel.close()
    try await server.group.shutdownGracefully()
  }
}

@Suite struct ChannelTests {
  @Test("Nobody listening is UNAVAILABLE at once, and waitForReady waits")
  func notListening() async throws {
    let certificates = try TestCertificates()
    let probe = try await TestServer.onFixedPort(certificates: certificates)
    let channel = try probe.channel()
    await probe.server.drain(grace: .seconds(1))
    let error = await failure { _ = try await channel.echo("x") }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("cannot connect to 127.0.0.1:\(probe.port)") == true)
    let waiting = Task {
      try await channel.echo(
        "late", options: CallOptions(timeout: .seconds(20), waitForReady: true))
    }
    let second = try await TestServer(port: probe.port, certificates: certificates)
    #expect(try await waiting.value.typeURL == "late")
    await channel.close()
    try await second.stop()
    try await probe.group.shutdownGracefully()
  }

  @Test("A name with several addresses connects to the one that answers")
  func severalAddresses() async throws {
    try await withServer(try await TestServer()) { server in
      // localhost is ::1 as well, where nobody listens.
      let channel = try server.channel(host: "localhost")
      #expect(try await channel.echo("x").typeURL == "x")
      await channel.close()
    }
  }

  @Test("A name that does not exist is UNAVAILABLE")
  func noSuchName() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel(host: "no-such-host.invalid")
      let error = await failure { _ = try await channel.echo("x") }
      #expect(error?.code == .unavailable)
      #expect(error?.message.contains("does not resolve") == true)
      await channel.close()
    }
  }

  @Test("More calls than streams wait their turn")
  func manyStreams() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      let calls = (0..<300).map { _ in Task { try await channel.echo("gate").typeURL } }
      while server.events.count("started") < 100 { await Task.yield() }
      server.events.note("open")
      for call in calls { #expect(try await call.value == "gate") }
      await channel.close()
    }
  }

  @Test("A taken port is one clear line")
  func takenPort() async throws {
    try await withServer(try await TestServer()) { server in
      let error = await #expect(throws: RPCServer.StartError.self) {
        _ = try await TestServer(port: server.port)
      }
      #expect(error?.description == "port \(server.port) on 127.0.0.1 is taken")
    }
  }

  @Test("A closed channel refuses calls")
  func closed() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      _ = try await channel.echo("x")
      await channel.close()
      let error = await failure { _ = try await channel.echo("x") }
      #expect(error?.code == .unavailable)
    }
  }
}

@Suite struct InterceptorTests {
  final class Recording: ServerInterceptor {
    let paths = Mutex<[String]>([])
    func intercept(
      _ context: ServerContext, proceed: (ServerContext) async throws -> Void
    ) async throws {
      try await proceed(context)
      paths.withLock { $0.append(context.method.path) }
    }
  }

  struct Denying: ServerInterceptor {
    func intercept(
      _ context: ServerContext, proceed: (ServerContext) async throws -> Void
    ) async throws {
      guard context.metadata["x-deny"] == nil else {
        throw RPCError(.unauthenticated, reason: "NO_TOKEN", "sign in first")
      }
      try await proceed(context)
    }
  }

  struct Passing: RawHandler {
    func handle(
      method path: String, request: [UInt8], context: ServerContext
    ) async throws -> RawResponse {
      var response = RawResponse(message: request.reversed())
      response.initialMetadata.append("x-initial", path)
      response.trailingMetadata.append("x-trailing-bin", binary: [1, 2])
      return response
    }
  }

  @Test("Interceptors run around handlers and can refuse a call")
  func interceptors() async throws {
    let recording = Recording()
    let server = try await TestServer(interceptors: [recording, Denying()])
    try await withServer(server) { server in
      let channel = try server.channel()
      _ = try await channel.echo("x")
      let error = await failure {
        _ = try await channel.echo("x", options: CallOptions(metadata: ["x-deny": "1"]))
      }
      #expect(error?.reason == "NO_TOKEN")
      #expect(recording.paths.withLock { $0 } == [EchoService.echo.path])
      await channel.close()
    }
  }

  @Test("The fallback answers unknown paths on bytes")
  func fallback() async throws {
    try await withServer(try await TestServer(fallback: Passing())) { server in
      let channel = try server.channel()
      let method = MethodDescriptor(service: "any.Service", name: "Any")
      let answer = try await channel.unary(
        method, request: [1, 2, 3], options: CallOptions())
      #expect(answer.message == [3, 2, 1])
      #expect(answer.initialMetadata["x-initial"] == "/any.Service/Any")
      #expect(answer.trailingMetadata.binaryValues("x-trailing-bin") == [[1, 2]])
      #expect(try await channel.echo("known").typeURL == "known")
      await channel.close()
    }
  }
}
