package import Messages

/// A method of a server: decodes the request, runs the interceptors and the handler, encodes the
/// answer.
///
/// What a handler throws becomes the call's status: an `RPCError` as it is, a `CancellationError`
/// CANCELLED (DEADLINE_EXCEEDED when the deadline has passed), anything else INTERNAL with the
/// correlation id and a log line, never the error's text.
package struct MethodHandler: Sendable {
  package let method: MethodDescriptor
  let unary: @Sendable (UnaryInvocation) async throws -> Void
  /// Nil for unary methods.
  let streaming: (@Sendable (StreamInvocation) async throws -> Void)?

  /// A unary method. The handler starts on the connection's event loop and must not block it.
  package init<Request: Message, Response: Message>(
    unary method: MethodDescriptor,
    _ handle: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) {
    self.init(unary: method) { invocation in
      let request: Request = try invocation.decodeRequest()
      try await invocation.run { context in
        try invocation.encode(try await handle(request, context))
      }
    }
  }

  /// A unary method in the form that generated code has: decodes the request before it suspends, as
  /// its bytes are only lent, then answers within `run`.
  package init(
    unary method: MethodDescriptor,
    _ invoke: @escaping @Sendable (UnaryInvocation) async throws -> Void
  ) {
    self.method = method
    streaming = nil
    unary = invoke
  }

  /// A streaming method in the form that all kinds come down to.
  init(
    streaming method: MethodDescriptor,
    _ handle: @escaping @Sendable (StreamInvocation) async throws -> Void
  ) {
    self.method = method
    streaming = handle
    unary = { _ in
      throw RPCError(.internalError, "\(method.path) is not a unary method")
    }
  }

  /// Runs one streaming call; its status is OK when this returns.
  package func invoke(_ invocation: StreamInvocation) async throws {
    guard let streaming else {
      throw RPCError(.internalError, "\(method.path) is not a streaming method")
    }
    try await streaming(invocation)
  }

  /// Runs one unary call; the answer is in the invocation's output when it returns.
  package func invoke(_ invocation: UnaryInvocation) async throws { try await unary(invocation) }
}

/// One unary call while it runs, lent by the transport on its event loop.
@safe package struct UnaryInvocation {
  /// The message without its prefix; valid until the handler first suspends.
  let request: UnsafeRawBufferPointer
  let context: ServerContext
  let interceptors: [any ServerInterceptor]
  let arena: MessageArena
  let limits: MessageLimits
  let output: MessageBuffer

  package init(
    request: UnsafeRawBufferPointer, context: ServerContext,
    interceptors: [any ServerInterceptor], arena: MessageArena, limits: MessageLimits,
    output: MessageBuffer
  ) {
    unsafe self.request = request
    self.context = context
    self.interceptors = interceptors
    self.arena = arena
    self.limits = limits
    self.output = output
  }

  /// Runs the interceptors around `body`, which encodes the answer.
  package func run(_ body: (ServerContext) async throws -> Void) async throws {
    guard !interceptors.isEmpty else { return try await body(context) }
    var isAnswered = false
    try await interceptors.run(context) { context in
      try await body(context)
      isAnswered = true
    }
    guard isAnswered else {
      throw RPCError(.internalError, "an interceptor answered without a response")
    }
  }

  /// Decodes the request; a malformed one is INTERNAL by gRPC's table, one beyond a limit
  /// RESOURCE_EXHAUSTED.
  package func decodeRequest<Request: Message>() throws -> Request {
    do {
      return unsafe try Request(scanning: request, arena: arena, limits: limits)
    } catch {
      throw error.rejection(of: Request.self)
    }
  }

  /// Encodes the answer behind the prefix in the output buffer.
  package func encode<Response: Message>(_ response: Response) throws {
    do {
      let size = unsafe try response.pack(arena: arena) { unsafe output.reserve($0) }
      output.commit(size)
    } catch {
      throw RPCError(.internalError, "\(Response.fullName) does not encode: \(error.message)")
    }
  }
}
