package import Messages

/// A method of a server: decodes the request, runs the interceptors and the handler, encodes the
/// answer.
///
/// What a handler throws becomes the call's status: an `RPCError` as it is, a `CancellationError`
/// CANCELLED (DEADLINE_EXCEEDED when the deadline has passed), anything else INTERNAL with the
/// correlation id and a log line, never the error's text.
package struct MethodHandler: Sendable {
  package let method: MethodDescriptor
  /// Answers the unary calls that wait.
  package let unary: @Sendable (any UnaryCalls) async -> Void
  /// Nil for unary methods.
  let streaming: (@Sendable (StreamInvocation) async throws -> Void)?

  /// A unary method. The handler starts on the connection's event loop and must not block it.
  package init<Request: Message, Response: Message>(
    unary method: MethodDescriptor,
    _ handle: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) {
    self.init(unary: method) { calls in
      while let call = calls.next() {
        do {
          let request: Request = try call.decodeRequest()
          try await call.intercept { context in
            try call.encode(try await handle(request, context))
          }
          calls.succeed()
        } catch {
          calls.fail(error)
        }
      }
    }
  }

  /// A unary method in the form that generated code has: decodes each request before it suspends, as
  /// its bytes are only lent.
  package init(
    unary method: MethodDescriptor, _ answer: @escaping @Sendable (any UnaryCalls) async -> Void
  ) {
    self.method = method
    streaming = nil
    unary = answer
  }

  /// A streaming method in the form that all kinds come down to.
  init(
    streaming method: MethodDescriptor,
    _ handle: @escaping @Sendable (StreamInvocation) async throws -> Void
  ) {
    self.method = method
    streaming = handle
    unary = { calls in
      while calls.next() != nil {
        calls.fail(RPCError(.internalError, "\(method.path) is not a unary method"))
      }
    }
  }

  /// Runs one streaming call; its status is OK when this returns.
  package func invoke(_ invocation: StreamInvocation) async throws {
    guard let streaming else {
      throw RPCError(.internalError, "\(method.path) is not a streaming method")
    }
    try await streaming(invocation)
  }
}
