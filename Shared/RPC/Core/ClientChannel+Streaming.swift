package import Messages

extension ClientChannel {
  /// Channels without streams refuse them.
  package func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream {
    throw RPCError(.unimplemented, "this channel has no streaming calls")
  }

  /// A call of one request and many answers; it is cancelled when `body` leaves before the end.
  ///
  /// - Throws: what `body` throws; its reader throws the call's status when it is not OK.
  package func serverStreaming<Request: Message, Response: Message, Result>(
    _ method: MethodDescriptor, _ request: Request, options: CallOptions,
    _ body: (MessageReader<Response>) async throws -> Result
  ) async throws -> Result {
    try await withStream(method, options) { stream in
      do {
        try await MessageWriter<Request>(stream).write(request)
        await stream.finishSending()
      } catch is StreamClosedError {
        // Answered without the request; the reader knows how.
      }
      return try await body(MessageReader(stream))
    }
  }

  /// A call of many requests, which `body` writes, and one answer.
  ///
  /// - Throws: what `body` throws, and the call's status when it is not OK. A server may answer
  ///   before the last request: the writer then throws `StreamClosedError`, which `body` may pass
  ///   on.
  package func clientStreaming<Request: Message, Response: Message>(
    _ method: MethodDescriptor, options: CallOptions,
    _ body: (MessageWriter<Request>) async throws -> Void
  ) async throws -> Response {
    try await withStream(method, options) { stream in
      do {
        try await body(MessageWriter(stream))
      } catch is StreamClosedError {
        // Answered already.
      }
      await stream.finishSending()
      let answer = try await MessageReader<Response>(stream).single()
      options.response?.received(compressed: answer.isCompressed)
      return answer.message
    }
  }

  /// A call of many requests and many answers; it is cancelled when `body` leaves before the end
  /// of the answers.
  package func bidirectional<Request: Message, Response: Message, Result>(
    _ method: MethodDescriptor, options: CallOptions,
    _ body: (MessageReader<Response>, MessageWriter<Request>) async throws -> Result
  ) async throws -> Result {
    try await withStream(method, options) { stream in
      try await body(MessageReader(stream), MessageWriter(stream))
    }
  }

  private func withStream<Result>(
    _ method: MethodDescriptor, _ options: CallOptions,
    _ body: (any RawMessageStream) async throws -> Result
  ) async throws -> Result {
    guard !Task.isCancelled else { throw RPCError(.cancelled, "the call was cancelled") }
    let stream = try await openStream(method, options: options)
    defer { stream.cancel() }
    return try await withTaskCancellationHandler {
      try await body(stream)
    } onCancel: {
      stream.cancel()
    }
  }
}
