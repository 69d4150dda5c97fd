internal import Logging
internal import Messages
internal import RPCCore

/// What all connections of a server share.
final class ServerCore: Sendable {
  let router: Router
  let interceptors: [any ServerInterceptor]
  let fallback: (any RawHandler)?
  /// Peers allowed per RPC service; nil without mutual TLS, where every caller is.
  let allowedPeers: [String: Set<String>]?
  let limits: RPCLimits
  let messageLimits: MessageLimits
  let logger: Logger

  /// The service that any verified peer may call.
  static let healthService = "grpc.health.v1.Health"

  init(
    services: [ServiceRegistration], interceptors: [any ServerInterceptor],
    fallback: (any RawHandler)?, allowedPeers: [String: Set<String>]?, limits: RPCLimits,
    logger: Logger
  ) {
    router = Router(services)
    self.interceptors = interceptors
    self.fallback = fallback
    self.allowedPeers = allowedPeers
    self.limits = limits
    messageLimits = MessageLimits(maximumBytes: limits.maximumMessageBytes)
    self.logger = logger
  }

  /// True when a peer with these certificate names may call a service.
  func allows(_ names: [String], toCall service: String) -> Bool {
    guard let allowedPeers else { return true }
    if service == Self.healthService { return !names.isEmpty }
    guard let allowed = allowedPeers[service] else { return false }
    return names.contains { allowed.contains($0) }
  }
}
