/// Runs around every call of a channel (`ClientChannel.intercepted(by:)`), of any kind.
package protocol ClientInterceptor: Sendable {
  /// Calls `proceed` once, with the context that the call is made with, or throws to fail the call
  /// without making it.
  ///
  /// `proceed` returns when the call has ended OK, and throws its status otherwise: for a stream that
  /// is when its reader has seen the end, or the caller has left it, which is CANCELLED. An error is
  /// passed on unless it is meant to be replaced. Metadata of the answer are to be had with
  /// `options.response`, which an interceptor may set when it is nil.
  ///
  /// A unary call's interceptors run in its caller's task, a stream's in one of their own; either is
  /// cancelled with the call.
  func intercept(
    _ context: ClientContext, proceed: (ClientContext) async throws -> Void
  ) async throws
}

/// What an interceptor knows about a call, and may change.
package struct ClientContext: Sendable {
  package let method: MethodDescriptor
  /// The call's options; `timeout` is what it was at the start, and `deadline` counts.
  package var options: CallOptions
  /// When the call ends at the latest, time in interceptors included; nil for never.
  package var deadline: Deadline?

  init(method: MethodDescriptor, options: CallOptions) {
    self.method = method
    self.options = options
    deadline = options.timeout.map { Deadline(after: $0) }
  }

  /// The options with what is left of the time.
  var remainingOptions: CallOptions {
    var options = options
    options.timeout = deadline?.remaining
    return options
  }
}

extension ClientChannel {
  /// This channel with interceptors around every call, the first outermost.
  package func intercepted(by interceptors: [any ClientInterceptor]) -> any ClientChannel {
    interceptors.isEmpty ? self : InterceptedChannel(channel: self, interceptors: interceptors)
  }
}

/// A channel with interceptors.
private struct InterceptedChannel: ClientChannel {
  let channel: any ClientChannel
  let interceptors: [any ClientInterceptor]

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    let context = ClientContext(method: method, options: options)
    var hasBegun = false
    var response: RawResponse?
    do {
      try await run(context) { context in
        guard !hasBegun else { throw Self.madeTwice }
        hasBegun = true
        response = try await channel.unary(
          method, request: request, options: context.remainingOptions)
      }
    } catch {
      throw Self.status(of: error, context)
    }
    guard let response else { throw Self.notMade }
    return response
  }

  func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream {
    let context = ClientContext(method: method, options: options)
    let opened = OneShot<Result<any RawMessageStream, RPCError>>()
    let outcome = OneShot<RPCError?>()
    let conclusion = OneShot<RPCError?>()
    let hasBegun = OneShot<Void>()
    let chain = Task {
      do {
        try await run(context) { context in
          guard hasBegun.fulfil(()) else { throw Self.madeTwice }
          let stream = try await channel.openStream(method, options: context.remainingOptions)
          if !opened.fulfil(.success(stream)) { stream.cancel() }
          if let error = await outcome.value() { throw error }
        }
        opened.fulfil(.failure(Self.notMade))
        conclusion.fulfil(nil)
      } catch {
        let error = Self.status(of: error, context)
        opened.fulfil(.failure(error))
        conclusion.fulfil(error)
      }
    }
    let stream = try await withTaskCancellationHandler {
      try await opened.value().get()
    } onCancel: {
      chain.cancel()
    }
    return InterceptedStream(
      stream: stream, outcome: outcome, conclusion: conclusion, chain: chain)
  }

  func close() async { await channel.close() }

  /// Runs the chain from `index` on, then `body`.
  private func run(
    from index: Int = 0, _ context: ClientContext,
    _ body: (ClientContext) async throws -> Void
  ) async throws {
    guard index < interceptors.count else { return try await body(context) }
    try await interceptors[index].intercept(context) { context in
      try await run(from: index + 1, context, body)
    }
  }

  private static let notMade = RPCError(
    .internalError, "an interceptor returned without making the call")
  private static let madeTwice = RPCError(.internalError, "an interceptor made the call twice")

  private static func status(of error: any Error, _ context: ClientContext) -> RPCError {
    if let error = error as? RPCError { return error }
    guard error is CancellationError else {
      return RPCError(.internalError, "an interceptor failed: \(error)")
    }
    return context.deadline?.isPast == true
      ? RPCError(.deadlineExceeded, "the deadline has passed")
      : RPCError(.cancelled, "the call was cancelled")
  }
}

/// A stream whose end its interceptors see before its reader does.
private struct InterceptedStream: RawMessageStream {
  let stream: any RawMessageStream
  /// The status that the call ended with; nil for OK.
  let outcome: OneShot<RPCError?>
  /// What the interceptors made of it.
  let conclusion: OneShot<RPCError?>
  let chain: Task<Void, Never>

  func receive() async throws -> RawMessage? {
    do {
      if let message = try await stream.receive() { return message }
      outcome.fulfil(nil)
    } catch let error as RPCError {
      outcome.fulfil(error)
    }
    if let error = await conclusion.value() { throw error }
    return nil
  }

  func send(_ message: [UInt8], compress: Bool) async throws {
    try await stream.send(message, compress: compress)
  }

  func finishSending() async { await stream.finishSending() }

  func sendHeaders() async { await stream.sendHeaders() }

  func cancel() {
    stream.cancel()
    outcome.fulfil(RPCError(.cancelled, "the call was cancelled"))
    chain.cancel()
  }
}
