import Glibc
import GoogleAPI
import NIOCore
import RPCCore
import RPCTransport
import Synchronization
import TestSupport
import Testing

/// A port on which connections are taken but nothing is ever said.
private final class SilentPort: Sendable {
  let port: Int
  private let socket: Int32

  init() throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let handle = socket
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(handle, pointer, size) == 0 && listen(handle, 16) == 0
          && getsockname(handle, pointer, &size) == 0
      }
    }
    guard isBound else { throw RPCError(.unavailable, "no port") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { Glibc.close(socket) }
}

/// A resolver whose answer a test changes.
private final class ChangingResolver: NameResolver {
  private let ports: Mutex<[Int]>
  let questions = Counter()

  init(_ ports: [Int]) { self.ports = Mutex(ports) }

  func set(_ ports: [Int]) { self.ports.withLock { $0 = ports } }

  func addresses(of host: HostPort) async throws -> [HostPort] {
    _ = questions.next()
    let ports = ports.withLock { $0 }
    if ports.isEmpty { throw NameResolutionError("the name \(host.host) does not resolve") }
    return ports.map { HostPort(host: "127.0.0.1", port: $0) }
  }
}

@Suite("Balanced calls")
struct ChannelBalancingTests {
  private static let roundRobin = LoadBalancingPolicy.roundRobin

  /// The policy, with retries of what a lost server leaves behind.
  private static func config(_ policy: LoadBalancingPolicy) throws -> ServiceConfig {
    try ServiceConfig(
      loadBalancingPolicy: policy,
      methodConfigs: [
        MethodConfig(
          [.all],
          retryPolicy: RetryPolicy(
            maxAttempts: 5, initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(10),
            backoffMultiplier: 2, retryableStatusCodes: [.unavailable]))
      ])
  }

  private static func target(_ ports: Int...) -> ChannelTarget {
    ChannelTarget(ports.map { HostPort(host: "127.0.0.1", port: $0) })
  }

  /// Calls until a server has been called so often.
  private static func call(
    _ channel: RPCChannel, until server: TestServer, has count: Int
  ) async throws {
    while server.events.count("call") < count {
      _ = try await channel.echo("count", options: CallOptions(timeout: .seconds(60)))
    }
  }

  @Test("round_robin goes on with one server when the other is gone, and takes it back")
  func roundRobin() async throws {
    let certificates = try TestCertificates()
    let first = try await TestServer.onFixedPort(certificates: certificates)
    let second = try await TestServer(certificates: certificates)
    let channel = try first.channel(
      to: Self.target(first.port, second.port), serviceConfig: Self.config(.roundRobin))
    try await Self.call(channel, until: first, has: 10)
    try await Self.call(channel, until: second, has: 10)
    await first.server.drain(grace: .zero)
    let before = first.events.count("call")
    let counted = second.events.count("call")
    try await Self.call(channel, until: second, has: counted + 50)
    #expect(first.events.count("call") == before)
    let third = try await TestServer(port: first.port, certificates: certificates)
    try await Self.call(channel, until: third, has: 5)
    await channel.close()
    try await second.stop()
    try await third.stop()
    try await first.group.shutdownGracefully()
  }

  @Test("pick_first stays with the first server, and moves on when it is gone")
  func pickFirst() async throws {
    let certificates = try TestCertificates()
    let first = try await TestServer(certificates: certificates)
    let second = try await TestServer(certificates: certificates)
    let channel = try first.channel(
      to: Self.target(first.port, second.port), serviceConfig: Self.config(.pickFirst))
    try await Self.call(channel, until: first, has: 20)
    #expect(second.events.count("call") == 0)
    await first.server.drain(grace: .zero)
    try await Self.call(channel, until: second, has: 20)
    await channel.close()
    try await second.stop()
    try await first.group.shutdownGracefully()
  }

  @Test("Addresses that do not answer hold no call up", arguments: LoadBalancingPolicy.allCases)
  func silent(policy: LoadBalancingPolicy) async throws {
    try await withServer(try await TestServer()) { server in
      let silent = try SilentPort()
      var limits = RPCLimits.standard
      limits.connectionAttemptDelayMilliseconds = 10
      // An attempt that is given up must not be what lets the calls go on.
      limits.handshakeSeconds = 600
      let channel = try server.channel(
        to: Self.target(silent.port, server.port), limits: limits,
        serviceConfig: Self.config(policy))
      for _ in 0..<20 { #expect(try await channel.echo("x").typeURL == "x") }
      await channel.close()
    }
  }

  @Test(
    "When no address answers calls fail, and those that wait go on with the first that does",
    arguments: LoadBalancingPolicy.allCases)
  func waitForReady(policy: LoadBalancingPolicy) async throws {
    let certificates = try TestCertificates()
    let first = try await TestServer.onFixedPort(certificates: certificates)
    let second = try await TestServer.onFixedPort(certificates: certificates)
    let config = try ServiceConfig(loadBalancingPolicy: policy)
    let channel = try first.channel(
      to: Self.target(first.port, second.port), serviceConfig: config)
    await first.server.drain(grace: .zero)
    await second.server.drain(grace: .zero)
    let error = await failure { _ = try await channel.echo("x") }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("cannot connect to 127.0.0.1:") == true)
    let waiting = Task {
      try await channel.echo(
        "late", options: CallOptions(timeout: .seconds(60), waitForReady: true))
    }
    let third = try await TestServer(port: second.port, certificates: certificates)
    #expect(try await waiting.value.typeURL == "late")
    await channel.close()
    try await third.stop()
    try await first.group.shutdownGracefully()
    try await second.group.shutdownGracefully()
  }

  @Test("A lost connection has the name resolved again", arguments: LoadBalancingPolicy.allCases)
  func resolvesAgain(policy: LoadBalancingPolicy) async throws {
    let certificates = try TestCertificates()
    let first = try await TestServer(certificates: certificates)
    let second = try await TestServer(certificates: certificates)
    let resolver = ChangingResolver([first.port])
    var limits = RPCLimits.standard
    limits.minimumResolutionSeconds = 0
    let channel = try first.channel(
      to: ChannelTarget("dns:replicas.test:1"), limits: limits, serverName: "server.test",
      serviceConfig: Self.config(policy), resolver: resolver)
    try await Self.call(channel, until: first, has: 3)
    #expect(resolver.questions.value == 1)
    resolver.set([second.port])
    await first.server.drain(grace: .zero)
    while second.events.count("call") == 0 {
      _ = try await channel.echo(
        "count", options: CallOptions(timeout: .seconds(60), waitForReady: true))
    }
    // A resolver that fails later does no harm.
    resolver.set([])
    try await Self.call(channel, until: second, has: 10)
    await channel.close()
    try await second.stop()
    try await first.group.shutdownGracefully()
  }

  @Test("A name that resolves late lets the waiting calls go on, and the others fail")
  func resolvesLate() async throws {
    try await withServer(try await TestServer()) { server in
      let resolver = ChangingResolver([])
      let channel = try server.channel(
        to: ChannelTarget("dns:late.test:1"), serverName: "server.test", resolver: resolver)
      let error = await failure { _ = try await channel.echo("x") }
      #expect(error?.code == .unavailable)
      #expect(error?.message.contains("late.test does not resolve") == true)
      let waiting = Task {
        try await channel.echo(
          "late", options: CallOptions(timeout: .seconds(60), waitForReady: true))
      }
      while resolver.questions.value < 3 { await Task.yield() }
      resolver.set([server.port])
      #expect(try await waiting.value.typeURL == "late")
      await channel.close()
    }
  }

  @Test("A server without a health service counts as serving")
  func withoutHealth() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel(
        serviceConfig: ServiceConfig(
          loadBalancingPolicy: .roundRobin, healthCheckServiceName: "any.Service"))
      for _ in 0..<3 { #expect(try await channel.echo("x").typeURL == "x") }
      await channel.close()
    }
  }

  @Test("A full connection gets others beside it, up to a limit", arguments: [1, 3])
  func furtherConnections(limit: Int) async throws {
    try await withServer(try await TestServer()) { server in
      var limits = RPCLimits.standard
      limits.maximumCallsPerConnection = 5
      limits.maximumConnectionsPerSubchannel = limit
      let channel = try server.channel(limits: limits)
      let calls = (0..<20).map { _ in Task { try await channel.echo("gate").typeURL } }
      while server.events.count("started") < 5 * limit { await Task.yield() }
      // Other calls of the server go on, and no more of these begin meanwhile.
      let other = try server.channel()
      for _ in 0..<20 { _ = try await other.echo("x") }
      #expect(server.events.count("started") == 5 * limit)
      server.events.note("open")
      for call in calls { #expect(try await call.value == "gate") }
      await channel.close()
      await other.close()
    }
  }
}
