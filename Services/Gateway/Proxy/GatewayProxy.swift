internal import Logging
package import RPCCore
internal import SharedDomain

/// Answers clients' calls by the backends' answers, message bytes passed through undecoded.
///
/// Only routed methods exist (``RouteTable``). Request metadata passes by an allow-list, what is
/// left of the deadline travels on, status, message, details and metadata come back. Streams pass
/// message by message, each side as fast as the other takes them.
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

  package func method(at path: String) -> MethodDescriptor? { routes[path]?.method }

  package func handle(
    method path: String, request: [UInt8], context: ServerContext
  ) async throws -> RawResponse {
    try await forwarding(path, context) { route, channel, address in
      let response = ClientResponse()
      do {
        var answer = try await channel.unary(
          route.method, request: request,
          options: CallOptions(
            timeout: try timeout(of: context, limits.defaultTimeout, limits.maximumTimeout),
            metadata: ForwardedMetadata.request(context, from: address, limits),
            response: response))
        answer.initialMetadata = ForwardedMetadata.answer(answer.initialMetadata)
        answer.trailingMetadata = ForwardedMetadata.trailers(answer.trailingMetadata, context)
        return answer
      } catch {
        // The error has the trailing metadata only.
        if let metadata = response.initialMetadata {
          context.response.initialMetadata = ForwardedMetadata.answer(metadata)
        }
        throw error
      }
    }
  }

  package func handle(_ stream: any RawMessageStream, context: ServerContext) async throws {
    try await forwarding(context.method.path, context) { route, channel, address in
      let response = ClientResponse()
      let limit = limits.maximumStreamTimeout
      let inside = try await channel.openStream(
        route.method,
        options: CallOptions(
          timeout: try timeout(of: context, limit, limit),
          metadata: ForwardedMetadata.request(context, from: address, limits),
          response: response))
      defer { inside.cancel() }
      try await withTaskCancellationHandler {
        try await StreamRelay(client: stream, inside: inside, response: response).run(context)
      } onCancel: {
        inside.cancel()
      }
      context.response.trailingMetadata = ForwardedMetadata.trailers(
        response.trailingMetadata ?? Metadata(), context)
    }
  }

  /// Makes a call of a routed method, if there is room for it, and lets no error say more than it
  /// should.
  private func forwarding<Answer>(
    _ path: String, _ context: ServerContext,
    _ body: (RouteTable.Route, any ClientChannel, ClientAddress) async throws -> Answer
  ) async throws -> Answer {
    do {
      let address = ClientAddress(remoteAddress: context.peer.remoteAddress)
      guard let route = routes[path], let channel = channels[route.backend] else {
        throw RPCError(.unimplemented, reason: "METHOD_UNKNOWN", "there is no method \(path)")
      }
      return try await limiter.run(from: address) { try await body(route, channel, address) }
    } catch var error as RPCError {
      if error.code == .unavailable { error = Self.clean(error) }
      error.metadata = ForwardedMetadata.trailers(error.metadata, context)
      throw error
    }
  }

  /// The time for the internal call.
  private func timeout(
    of context: ServerContext, _ standard: Duration, _ maximum: Duration
  ) throws(RPCError) -> Duration {
    guard let deadline = context.deadline else { return standard }
    let remaining = deadline.remaining
    guard remaining > .zero else {
      throw RPCError(
        .deadlineExceeded, reason: "DEADLINE_EXCEEDED",
        "the deadline passed before the call was forwarded")
    }
    return min(remaining, maximum)
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
