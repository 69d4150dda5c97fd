package import Messages

/// One unary call while it runs: its message and its context, lent by the transport.
///
/// Used again for later calls. Confined to the transport's event loop or task.
package final class UnaryInvocation {
  /// The request, valid until the handler first suspends; then the answer.
  package let buffer: MessageBuffer
  package var context: ServerContext
  /// The metadata of the next call, until it begins: they are filled in place.
  package var metadata = Metadata()
  package var interceptors: [any ServerInterceptor] = []
  package var limits: MessageLimits
  private let arena: MessageArena

  /// - Parameter arena: memory to decode and encode in, shared with other calls.
  package init(
    context: ServerContext = ServerContext(), buffer: MessageBuffer = MessageBuffer(),
    arena: MessageArena, limits: MessageLimits = .standard
  ) {
    self.context = context
    self.buffer = buffer
    self.arena = arena
    self.limits = limits
  }

  /// True when there are interceptors: `intercept` is for these calls.
  package var isIntercepted: Bool { !interceptors.isEmpty }

  /// Runs the interceptors around `body`, which encodes the answer.
  package func intercept(_ body: (ServerContext) async throws -> Void) async throws {
    var isAnswered = false
    try await interceptors.run(context) { context in
      try await body(context)
      isAnswered = true
    }
    guard isAnswered else {
      throw RPCError(.internalError, "an interceptor answered without a response")
    }
  }

  /// True when the answer is its message and nothing else.
  package var hasPlainResponse: Bool { context.hasPlainResponse }

  /// Makes a new or cleared invocation that of another call, whose method and metadata it has.
  package func renew(
    deadline: Deadline?, peer: Peer, correlationID: CorrelationID, traceparent: String?
  ) {
    context.renew(
      metadata: &metadata, deadline: deadline, peer: peer, correlationID: correlationID,
      traceparent: traceparent)
  }

  /// Forgets the call; false when somebody keeps its context, which stays as it is.
  package func clear() -> Bool {
    if !interceptors.isEmpty { interceptors = [] }
    if !metadata.isEmpty { metadata.removeAll() }
    return context.clear()
  }

  /// Decodes the request; a malformed one is INTERNAL by gRPC's table, one beyond a limit
  /// RESOURCE_EXHAUSTED.
  package func decodeRequest<Request: Message>() throws -> Request {
    do {
      return unsafe try Request(scanning: buffer.message, arena: arena, limits: limits)
    } catch {
      throw error.rejection(of: Request.self)
    }
  }

  /// Encodes the answer into the buffer.
  package func encode<Response: Message>(_ response: Response) throws {
    do {
      let size = unsafe try response.pack(arena: arena) { unsafe buffer.reserve($0) }
      buffer.commit(size)
    } catch {
      throw RPCError(.internalError, "\(Response.fullName) does not encode: \(error.message)")
    }
  }
}
