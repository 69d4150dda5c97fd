import GoogleAPI
import Logging
import Messages
import NIOCore
import NIOPosix
import RPCCore
import RPCTransport
import Synchronization
import TLS
import TestSupport

/// A service over `google.protobuf.Any`: what a handler does is asked for in the type URL.
enum EchoService {
  static let echo = MethodDescriptor(service: "kontor.test.v1.EchoService", name: "Echo")
  static let other = MethodDescriptor(service: "kontor.test.v1.OtherService", name: "Echo")

  static func registration(_ events: Events) -> ServiceRegistration {
    ServiceRegistration(
      name: echo.service,
      methods: [
        MethodHandler(unary: echo) { (request: AnyMessage, context: ServerContext) in
          try await answer(request, context, events)
        }
      ])
  }

  static func otherRegistration(_ events: Events) -> ServiceRegistration {
    ServiceRegistration(
      name: other.service,
      methods: [
        MethodHandler(unary: other) { (request: AnyMessage, context: ServerContext) in
          try await answer(request, context, events)
        }
      ])
  }

  private static func answer(
    _ request: AnyMessage, _ context: ServerContext, _ events: Events
  ) async throws -> AnyMessage {
    switch request.typeURL {
    case "fail":
      throw RPCError(
        .failedPrecondition, reason: "NOT_NOW", "100 % nöt now\n", metadata: ["why": "test"],
        fields: [FieldViolation(field: "type_url", description: "is fail")])
    case "break":
      throw Broken()
    case "count":
      events.note("call")
    case let text where text.hasPrefix("flaky "):
      events.note("attempt")
      let attempts = Int(context.metadata["grpc-previous-rpc-attempts"] ?? "0") ?? -1
      guard attempts < Int(text.dropFirst(6)) ?? 0 else {
        return AnyMessage(typeURL: "after \(attempts)")
      }
      var error = RPCError(.unavailable, reason: "FLAKY", "try again")
      if !request.value.isEmpty {
        error.metadata.append(
          "grpc-retry-pushback-ms", String(decoding: request.value, as: UTF8.self))
      }
      throw error
    case "wait":
      events.note("started")
      do {
        try await Task.sleep(for: .seconds(60))
      } catch {
        events.note("cancelled")
        throw error
      }
    case "gate":
      events.note("started")
      await events.wait(for: "open")
    case "hop":
      await Task.yield()
      _ = await Task.detached { 1 }.value
    case "context":
      let metadata = context.metadata
      var text = "\(context.correlationID) \(context.traceparent ?? "-")"
      text += " \(metadata.values("x-many").joined(separator: "|"))"
      text += " \(metadata.binaryValues("x-bytes-bin").map { "\($0)" }.joined(separator: "|"))"
      text += " \(context.deadline == nil ? "no deadline" : "deadline")"
      text += " \(context.peer.certificateNames.joined(separator: ","))"
      return AnyMessage(typeURL: text)
    default:
      break
    }
    return request
  }

  struct Broken: Error, CustomStringConvertible { let description = "secret text" }
}

/// What handlers report, and what tests wait for.
///
/// No actor: its jobs would run on the event loops of the handlers that call it, and with them what
/// the tests do after waiting, which may block.
final class Events: Sendable {
  private struct State {
    var noted: [String: Int] = [:]
    var waiters: [(event: String, continuation: CheckedContinuation<Void, Never>)] = []
  }

  /// Messages that streaming handlers have written, and have begun to read.
  let written = Count()
  let read = Count()
  private let state = Mutex(State())

  func note(_ event: String) {
    let ready = state.withLock { state in
      state.noted[event, default: 0] += 1
      let ready = state.waiters.filter { $0.event == event }.map(\.continuation)
      state.waiters.removeAll { $0.event == event }
      return ready
    }
    for continuation in ready { continuation.resume() }
  }

  func wait(for event: String) async {
    await withCheckedContinuation { continuation in
      let isNoted = state.withLock { state in
        guard state.noted[event] == nil else { return true }
        state.waiters.append((event, continuation))
        return false
      }
      if isNoted { continuation.resume() }
    }
  }

  func count(_ event: String) -> Int { state.withLock { $0.noted[event] ?? 0 } }
}

/// A running server with its certificates, and channels to it.
final class TestServer: Sendable {
  let certificates: TestCertificates
  let group: MultiThreadedEventLoopGroup
  let server: RPCServer
  let events: Events
  let port: Int
  let logger: Logger

  init(
    mutualTLS: Bool = false, allowedPeers: [String: Set<String>] = [:],
    limits: RPCLimits = .standard, maximumVersion: TLSVersion = .tls13,
    services: [ServiceRegistration] = [], interceptors: [any ServerInterceptor] = [],
    fallback: (any RawHandler)? = nil, port: Int = 0,
    certificates shared: TestCertificates? = nil
  ) async throws {
    let certificates = try shared ?? TestCertificates()
    let files = try certificates.issue(["server.test", "localhost"], addresses: ["127.0.0.1"])
    let credentials = try TLSServerCredentials(
      certificateChainFile: files.certificate, privateKeyFile: files.key,
      clientAuthorityFile: mutualTLS ? certificates.authorityFile : nil,
      maximumVersion: maximumVersion)
    self.certificates = certificates
    group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    events = Events()
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    self.logger = logger
    server = RPCServer(
      configuration: RPCServer.Configuration(
        host: "127.0.0.1", port: port, tls: credentials, allowedPeers: allowedPeers,
        limits: limits),
      services: [
        EchoService.registration(events), EchoService.otherRegistration(events),
        StreamService.registration(events),
      ] + services,
      interceptors: interceptors, fallback: fallback, group: group, logger: logger)
    self.port = try await server.start()
  }

  /// A server on a port outside the range that the system hands out, so that nobody takes it
  /// while no server listens.
  static func onFixedPort(certificates: TestCertificates) async throws -> TestServer {
    for port in (20_000..<30_000).shuffled().prefix(50) {
      do {
        return try await TestServer(port: port, certificates: certificates)
      } catch is RPCServer.StartError {
        continue
      }
    }
    throw RPCError(.unavailable, "no port is free")
  }

  func channel(
    clientName: String? = nil, limits: RPCLimits = .standard, serverName: String? = nil,
    host: String = "127.0.0.1", serviceConfig: ServiceConfig = .standard,
    compression: MessageCompression = .identity
  ) throws -> RPCChannel {
    try channel(
      to: ChannelTarget(HostPort(host: host, port: port)), clientName: clientName, limits: limits,
      serverName: serverName, serviceConfig: serviceConfig, compression: compression)
  }

  /// A channel to any target, with this server's authority.
  func channel(
    to target: ChannelTarget, clientName: String? = nil, limits: RPCLimits = .standard,
    serverName: String? = nil, serviceConfig: ServiceConfig = .standard,
    resolver: any NameResolver = SystemNameResolver(),
    compression: MessageCompression = .identity
  ) throws -> RPCChannel {
    let files = try clientName.map { try certificates.issue([$0]) }
    let tls = try TLSClientCredentials(
      authorityFile: certificates.authorityFile, certificateChainFile: files?.certificate,
      privateKeyFile: files?.key)
    return RPCChannel(
      RPCChannel.Configuration(
        target: target, tls: tls, serverName: serverName, serviceConfig: serviceConfig,
        backoff: .betweenServices, resolver: resolver, compression: compression, limits: limits),
      group: group, logger: logger)
  }

  func stop() async throws {
    await server.drain(grace: .seconds(2))
    try await group.shutdownGracefully()
  }
}

/// Runs a test against a server and stops it.
func withServer(
  _ server: TestServer, _ body: (TestServer) async throws -> Void
) async throws {
  do {
    try await body(server)
  } catch {
    try? await server.stop()
    throw error
  }
  try await server.stop()
}

extension ClientChannel {
  /// One call of the echo method.
  func echo(
    _ what: String, value: [UInt8] = [], options: CallOptions = CallOptions(),
    method: MethodDescriptor = EchoService.echo
  ) async throws -> AnyMessage {
    try await call(method, AnyMessage(typeURL: what, value: value), options: options)
  }
}

/// The error that a call ends with; nil when it succeeds.
func failure(_ body: () async throws -> Void) async -> RPCError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? RPCError
  }
}
