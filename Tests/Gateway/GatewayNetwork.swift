import GoogleAPI
import Logging
import Messages
import NIOCore
import NIOPosix
import RPCCore
import RPCTransport
import TLS
import TestSupport

@testable import GatewayProxy

/// A service of every kind of call over `google.protobuf.Any`, for the tests of the way through.
///
/// Each request comes back with its type; `fail` ends the call, `gate` waits for the test.
enum RelayedService {
  static let name = "kontor.test.v1.RelayedService"
  static let kinds: [MethodDescriptor.Kind] = [
    .unary, .clientStreaming, .serverStreaming, .bidirectional,
  ]
  static let flood = MethodDescriptor(service: name, name: "flood", kind: .serverStreaming)
  /// Served, but without a route.
  static let hidden = MethodDescriptor(service: name, name: "hidden", kind: .bidirectional)

  static func method(_ kind: MethodDescriptor.Kind) -> MethodDescriptor {
    MethodDescriptor(service: name, name: "\(kind)", kind: kind)
  }

  static func registration(_ network: GatewayNetwork.Signals) -> ServiceRegistration {
    ServiceRegistration(
      name: name,
      methods: [
        MethodHandler(unary: method(.unary)) { (request: AnyMessage, context: ServerContext) in
          begin(context)
          return try answer(request)
        },
        MethodHandler(clientStreaming: method(.clientStreaming)) {
          (requests: MessageReader<AnyMessage>, context: ServerContext) in
          begin(context)
          var all = ""
          for try await request in requests {
            if request.typeURL == "gate" { await network.gate.pass() }
            all += try answer(request).typeURL
          }
          return AnyMessage(typeURL: all)
        },
        MethodHandler(serverStreaming: method(.serverStreaming)) {
          (request: AnyMessage, writer: MessageWriter<AnyMessage>, context: ServerContext) in
          begin(context)
          try await writer.write(answer(request))
        },
        MethodHandler(serverStreaming: flood) {
          (request: AnyMessage, writer: MessageWriter<AnyMessage>, _: ServerContext) in
          for index in 0..<(Int(request.typeURL) ?? 0) {
            try await writer.write(AnyMessage(typeURL: "\(index)", value: request.value))
            _ = network.written.next()
          }
        },
        chat(method(.bidirectional), network),
        chat(hidden, network),
      ])
  }

  private static func chat(
    _ method: MethodDescriptor, _ network: GatewayNetwork.Signals
  ) -> MethodHandler {
    MethodHandler(bidirectional: method) {
      (requests: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>, context) in
      begin(context)
      _ = network.begun.next()
      await writer.sendHeaders()
      defer { network.ended.open() }
      for try await request in requests { try await writer.write(answer(request)) }
    }
  }

  private static func begin(_ context: ServerContext) {
    let token = context.metadata["authorization"] ?? "-"
    context.response.initialMetadata.append(
      "x-first", "\(token) \(context.metadata["x-user-id"] ?? "-")")
    context.response.initialMetadata.append("x-first-bin", binary: [0, 255])
    context.response.initialMetadata.append("x-internal-secret", "1")
    context.response.trailingMetadata.append("x-last", "end")
  }

  private static func answer(_ request: AnyMessage) throws -> AnyMessage {
    guard request.typeURL != "fail" else {
      var error = RPCError(.failedPrecondition, reason: "NOT_NOW", "not nöw")
      error.metadata.append("x-why", "asked")
      throw error
    }
    return AnyMessage(typeURL: request.typeURL)
  }
}

/// A service, the gateway before it and a client, over TLS.
struct GatewayNetwork: Sendable {
  /// What the service's handlers tell the test, and wait for.
  struct Signals: Sendable {
    let begun = Counter()
    let written = Counter()
    /// Opened when a handler of a bidirectional call has ended.
    let ended = Gate()
    let gate = Gate()
  }

  let channel: RPCChannel
  let signals: Signals
  /// For the test's own use.
  let reached = Gate()

  var begun: Counter { signals.begun }
  var written: Counter { signals.written }
  var ended: Gate { signals.ended }
  var gate: Gate { signals.gate }

  static func run(
    _ limits: GatewayLimits = GatewayLimits(), _ body: (GatewayNetwork) async throws -> Void
  ) async throws {
    let certificates = try TestCertificates()
    let files = try certificates.issue(["localhost"], addresses: ["127.0.0.1"])
    let credentials = try TLSServerCredentials(
      certificateChainFile: files.certificate, privateKeyFile: files.key)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let signals = Signals()

    func server(
      _ services: [ServiceRegistration], _ fallback: (any RawHandler)? = nil
    ) async throws -> (RPCServer, RPCChannel) {
      let server = RPCServer(
        configuration: RPCServer.Configuration(host: "127.0.0.1", port: 0, tls: credentials),
        services: services, fallback: fallback, group: group, logger: logger)
      let port = try await server.start()
      let channel = RPCChannel(
        target: HostPort(host: "127.0.0.1", port: port),
        tls: try TLSClientCredentials(authorityFile: certificates.authorityFile), group: group,
        logger: logger)
      return (server, channel)
    }

    let (service, inside) = try await server([RelayedService.registration(signals)])
    let routes = RouteTable([
      .shop: RelayedService.kinds.map(RelayedService.method) + [RelayedService.flood]
    ])
    let (gateway, channel) = try await server(
      [], GatewayProxy(routes: routes, channels: [.shop: inside], limits: limits))
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(GatewayNetwork(channel: channel, signals: signals)))
    } catch {
      result = .failure(error)
    }
    await channel.close()
    await gateway.drain(grace: .seconds(2))
    await inside.close()
    await service.drain(grace: .seconds(2))
    try await group.shutdownGracefully()
    try result.get()
  }

  /// Makes a call of any kind with requests of the given types; returns the answers' types.
  func call(
    _ kind: MethodDescriptor.Kind, _ types: [String], options: CallOptions = CallOptions()
  ) async throws -> [String] {
    let method = RelayedService.method(kind)
    let requests = types.map { AnyMessage(typeURL: $0) }
    func read(_ answers: MessageReader<AnyMessage>) async throws -> [String] {
      var all: [String] = []
      for try await answer in answers { all.append(answer.typeURL) }
      return all
    }
    switch kind {
    case .unary:
      let answer: AnyMessage = try await channel.call(method, requests[0], options: options)
      return [answer.typeURL]
    case .clientStreaming:
      let answer: AnyMessage = try await channel.clientStreaming(method, options: options) {
        (writer: MessageWriter<AnyMessage>) in
        for request in requests { try await writer.write(request) }
      }
      return [answer.typeURL]
    case .serverStreaming:
      return try await channel.serverStreaming(method, requests[0], options: options) { answers in
        try await read(answers)
      }
    case .bidirectional:
      return try await channel.bidirectional(method, options: options) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        do {
          for request in requests { try await writer.write(request) }
        } catch is StreamClosedError {
          // Answered already.
        } catch is RPCError {
          // Failed already; the reader knows how.
        }
        await writer.finish()
        return try await read(answers)
      }
    }
  }
}
