internal import RPCCore

/// Keeps callers from trying an answer UNAVAILABLE again (gRFC A6, "Pushback").
///
/// A handler that answers so has waited for its storage, or has called its own peers several times. If
/// each level of services repeated that, waits and load would multiply. What a peer did not answer at
/// all, because it died or went away, has no such trailer and is tried again.
struct HandlerPushback: ServerInterceptor {
  func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    do {
      try await proceed(context)
    } catch var error as RPCError
      where error.code == .unavailable && error.metadata[Self.trailer] == nil
    {
      error.metadata.append(Self.trailer, "-1")
      throw error
    }
  }

  private static let trailer = "grpc-retry-pushback-ms"
}
