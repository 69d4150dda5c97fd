/// Runs around every handler of a server, in the order of registration, after the request has
/// been decoded and before the handler sees it.
package protocol ServerInterceptor: Sendable {
  /// Calls `proceed` once with the context that the handler gets, or throws to answer the call.
  ///
  /// An error that `proceed` throws is the handler's; an interceptor passes it on unless it means
  /// to replace it. Runs on the connection's event loop: it must not block.
  func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws
}

extension [any ServerInterceptor] {
  /// Runs the chain from `index` on, then `body`.
  package func run(
    from index: Int = 0, _ context: ServerContext,
    _ body: (ServerContext) async throws -> Void
  ) async throws {
    guard index < count else { return try await body(context) }
    try await self[index].intercept(context) { context in
      try await run(from: index + 1, context, body)
    }
  }
}
