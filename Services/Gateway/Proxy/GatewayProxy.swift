internal import Logging
package import RPCCore
internal import SharedDomain

/// Answers clients' calls by the backends' answers, message bytes passed through undecoded.
///
/// Only routed methods exist (``RouteTable``). Request metadata passes by an allow-list, what is
/// left of the deadline travels on, status, message, details and trailing metadata come back.
package struct GatewayProxy: RawHandler {
  private let routes: RouteTable
  private let channels: [Backend: any ClientChannel]
  private let limits: GatewayLimits
  private let limiter: CallLimiter

  /// - Parameter channels: one for each backend that has routes; a missing one is a programmer's
  ///   error.
  package init(
    routes: RouteTable, channels: [Backend: any ClientChannel],
    limits: GatewayLimits = GatewayLimits()
  ) {
    for route in routes.all {
      precondition(channels[route.backend] != nil, "no channel to \(route.backend)")
    }
    self.routes = routes
    self.channels = channels
    self.limits = limits
    limiter = CallLimiter(limits)
  }

  package func handle(
    method path: String, request: [UInt8], context: ServerContext
  ) async throws -> RawResponse {
    do {
      let address = ClientAddress(remoteAddress: context.peer.remoteAddress)
      guard let route = routes[path], let channel = channels[route.backend] else {
        throw RPCError(.unimplemented, reason: "METHOD_UNKNOWN", "there is no method \(path)")
      }
      return try await limiter.run(from: address) {
        var answer = try await channel.unary(
          route.method, request: request,
          options: CallOptions(
            timeout: try timeout(of: context),
            metadata: ForwardedMetadata.request(context, from: address, limits)))
        answer.initialMetadata = ForwardedMetadata.answer(answer.initialMetadata)
        answer.trailingMetadata = ForwardedMetadata.trailers(answer.trailingMetadata, context)
        return answer
      }
    } catch var error as RPCError {
      if error.code == .unavailable { error = Self.clean(error) }
      error.metadata = ForwardedMetadata.trailers(error.metadata, context)
      throw error
    }
  }

  /// The time for the internal call.
  private func timeout(of context: ServerContext) throws(RPCError) -> Duration {
    guard let deadline = context.deadline else { return limits.defaultTimeout }
    let remaining = deadline.remaining
    guard remaining > .zero else {
      throw RPCError(
        .deadlineExceeded, reason: "DEADLINE_EXCEEDED",
        "the deadline passed before the call was forwarded")
    }
    return min(remaining, limits.maximumTimeout)
  }

  /// An UNAVAILABLE that no service explained comes from the connection to it, whose text names
  /// addresses and certificates.
  private static func clean(_ error: RPCError) -> RPCError {
    guard error.reason == nil else { return error }
    return RPCError(
      .unavailable, reason: "SERVICE_UNAVAILABLE",
      "the service cannot be reached now; try again in a moment")
  }
}
