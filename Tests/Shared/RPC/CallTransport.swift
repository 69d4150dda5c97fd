import HTTP2
import RPCCore
import RPCInProcess
import RPCTransport

/// How the calls of a test reach their service: the same tests run on each.
enum CallTransport: Sendable, CaseIterable {
  case network
  case inProcess

  /// Runs a test with a channel to the services of the tests.
  func run(_ body: (any ClientChannel, Events) async throws -> Void) async throws {
    switch self {
    case .network:
      try await withServer(try await TestServer()) { server in
        let channel = try server.channel()
        try await body(channel, server.events)
        await channel.close()
      }
    case .inProcess:
      let events = Events()
      let channel = InProcessChannel([
        EchoService.registration(events), EchoService.otherRegistration(events),
        StreamService.registration(events),
      ])
      try await body(channel, events)
      await channel.close()
    }
  }

  /// Runs a test with a channel to other services.
  func run(
    _ services: [ServiceRegistration], interceptors: [any ServerInterceptor] = [],
    fallback: (any RawHandler)? = nil, limits: RPCLimits = .standard,
    compression: MessageCompression = .identity,
    _ body: (any ClientChannel) async throws -> Void
  ) async throws {
    switch self {
    case .network:
      let server = try await TestServer(
        limits: limits, services: services, interceptors: interceptors, fallback: fallback)
      try await withServer(server) { server in
        let channel = try server.channel(limits: limits, compression: compression)
        try await body(channel)
        await channel.close()
      }
    case .inProcess:
      var inProcess = InProcessLimits()
      inProcess.maximumMessageBytes = limits.maximumMessageBytes
      inProcess.maximumMetadataBytes = limits.http2.maximumHeaderListBytes
      let channel = InProcessChannel(
        services, interceptors: interceptors, fallback: fallback, limits: inProcess,
        compression: compression)
      try await body(channel)
      await channel.close()
    }
  }
}
