package import Messages

/// One streaming call while it runs.
package struct StreamInvocation: Sendable {
  let stream: any RawMessageStream
  let context: ServerContext
  let interceptors: [any ServerInterceptor]
  let limits: MessageLimits

  package init(
    stream: any RawMessageStream, context: ServerContext,
    interceptors: [any ServerInterceptor], limits: MessageLimits
  ) {
    self.stream = stream
    self.context = context
    self.interceptors = interceptors
    self.limits = limits
  }

  /// Runs the call through a raw handler.
  package func run(_ handler: (any RawHandler)?) async throws {
    guard let handler else {
      throw RPCError(.unimplemented, reason: "METHOD_UNKNOWN", "this server has no such method")
    }
    try await interceptors.run(context) { context in
      try await handler.handle(stream, context: context)
    }
  }

  func reader<Request: Message>(of request: Request.Type) -> MessageReader<Request> {
    MessageReader(stream, limits: limits)
  }

  func writer<Response: Message>(of response: Response.Type) -> MessageWriter<Response> {
    MessageWriter(stream)
  }
}

extension MethodHandler {
  /// A method of one request and many answers. The call ends OK when `handle` returns.
  package init<Request: Message, Response: Message>(
    serverStreaming method: MethodDescriptor,
    _ handle:
      @escaping @Sendable (Request, MessageWriter<Response>, ServerContext) async throws -> Void
  ) {
    precondition(method.kind == .serverStreaming, "the handler fits the method")
    self.init(streaming: method) { invocation in
      let request = try await invocation.reader(of: Request.self).single()
      let writer = invocation.writer(of: Response.self)
      var context = invocation.context
      context.isRequestCompressed = request.isCompressed
      try await invocation.interceptors.run(context) { context in
        try await handle(request.message, writer, context)
      }
    }
  }

  /// A method of many requests and one answer, which `handle` returns. It need not read all.
  package init<Request: Message, Response: Message>(
    clientStreaming method: MethodDescriptor,
    _ handle:
      @escaping @Sendable (MessageReader<Request>, ServerContext) async throws -> Response
  ) {
    precondition(method.kind == .clientStreaming, "the handler fits the method")
    self.init(streaming: method) { invocation in
      let reader = invocation.reader(of: Request.self)
      let writer = invocation.writer(of: Response.self)
      var response: Response?
      try await invocation.interceptors.run(invocation.context) { context in
        response = try await handle(reader, context)
      }
      guard let response else {
        throw RPCError(.internalError, "an interceptor answered without a response")
      }
      try await writer.write(response)
    }
  }

  /// A method of many requests and many answers, in any order. The call ends OK when `handle`
  /// returns.
  package init<Request: Message, Response: Message>(
    bidirectional method: MethodDescriptor,
    _ handle:
      @escaping @Sendable (
        MessageReader<Request>, MessageWriter<Response>, ServerContext
      ) async throws -> Void
  ) {
    precondition(method.kind == .bidirectional, "the handler fits the method")
    self.init(streaming: method) { invocation in
      let reader = invocation.reader(of: Request.self)
      let writer = invocation.writer(of: Response.self)
      try await invocation.interceptors.run(invocation.context) { context in
        try await handle(reader, writer, context)
      }
    }
  }
}
