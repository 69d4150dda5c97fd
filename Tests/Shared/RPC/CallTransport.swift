import RPCCore
import RPCTransport

/// How the calls of a test reach their service: the same tests run on each.
enum CallTransport: Sendable, CaseIterable {
  case network

  /// Runs a test with a channel to services.
  func run(
    _ services: [ServiceRegistration], interceptors: [any ServerInterceptor] = [],
    limits: RPCLimits = .standard, compression: MessageCompression = .identity,
    _ body: (any ClientChannel) async throws -> Void
  ) async throws {
    switch self {
    case .network:
      let server = try await TestServer(
        limits: limits, services: services, interceptors: interceptors)
      try await withServer(server) { server in
        let channel = try server.channel(limits: limits, compression: compression)
        try await body(channel)
        await channel.close()
      }
    }
  }
}
