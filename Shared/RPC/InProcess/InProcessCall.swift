internal import Logging
internal import Messages
internal import RPCCore
internal import Synchronization

/// One call: a pipe each way, the handler's task and the status.
final class InProcessCall: Sendable {
  /// Who answers.
  enum Target: Sendable {
    case method(MethodHandler)
    case fallback(any RawHandler, MethodDescriptor)
    case nobody
  }

  private struct State {
    var isOver = false
    var hasHeaders = false
    /// The handler's task and the one that waits for the deadline.
    var tasks: [Task<Void, Never>] = []
  }

  let channel: InProcessChannel
  private let context: ServerContext
  private let response: ClientResponse
  /// True when the client's messages are said to be compressed.
  let compressesRequests: Bool
  private let acceptsCompression: Bool
  let requests: MessagePipe
  let answers: MessagePipe
  private let state = Mutex(State())

  init(
    channel: InProcessChannel, context: ServerContext, response: ClientResponse,
    compression: MessageCompression, acceptsCompression: Bool
  ) {
    self.channel = channel
    self.context = context
    self.response = response
    compressesRequests = compression != .identity
    self.acceptsCompression = acceptsCompression || compressesRequests
    requests = MessagePipe(limit: channel.limits.maximumQueuedBytes)
    answers = MessagePipe(limit: channel.limits.maximumQueuedBytes)
  }

  // MARK: The handler

  /// Runs the handler, and the clock where there is a deadline.
  func start(_ target: Target) {
    var tasks = [Task { await run(target) }]
    if let deadline = context.deadline {
      tasks.append(
        Task {
          guard (try? await Task.sleep(for: deadline.remaining)) != nil else { return }
          abort(RPCError(.deadlineExceeded, "the deadline has passed"))
        })
    }
    let isOver = state.withLock { state in
      state.tasks = tasks
      return state.isOver
    }
    if isOver { for task in tasks { task.cancel() } }
  }

  private func run(_ target: Target) async {
    do {
      try await answer(target)
      end(nil)
    } catch {
      end(context.status(of: error, logger: channel.logger))
    }
  }

  private func answer(_ target: Target) async throws {
    let stream = InProcessServerStream(call: self)
    switch target {
    case .method(let handler) where handler.method.kind == .unary:
      try await answerUnary(stream) { invocation in
        try await SingleUnaryCall.answer(invocation, by: handler)
      }
    case .method(let handler):
      try await handler.invoke(invocation(stream))
    case .fallback(let fallback, let method) where method.kind == .unary:
      try await answerUnary(stream) { invocation in
        let context = invocation.context
        let request = unsafe Array(invocation.buffer.message)
        var response: RawResponse?
        try await channel.interceptors.run(context) { context in
          response = try await fallback.handle(
            method: method.path, request: request, context: context)
        }
        guard let response else {
          throw RPCError(.internalError, "an interceptor answered without a response")
        }
        context.response.initialMetadata = response.initialMetadata.followed(
          by: context.response.initialMetadata)
        context.response.trailingMetadata = response.trailingMetadata.followed(
          by: context.response.trailingMetadata)
        invocation.buffer.fill(response.message)
      }
    case .fallback(let fallback, _):
      try await invocation(stream).run(fallback)
    case .nobody:
      throw RPCError(.unimplemented, reason: "METHOD_UNKNOWN", "this server has no such method")
    }
  }

  private var messageLimits: MessageLimits {
    MessageLimits(maximumBytes: channel.limits.maximumMessageBytes)
  }

  private func invocation(_ stream: InProcessServerStream) -> StreamInvocation {
    StreamInvocation(
      stream: stream, context: context, interceptors: channel.interceptors, limits: messageLimits)
  }

  /// Answers the one message of a unary call.
  private func answerUnary(
    _ stream: InProcessServerStream,
    _ body: (UnaryInvocation) async throws -> Void
  ) async throws {
    guard let request = try await stream.receive() else {
      throw RPCError(
        .unimplemented, reason: "MESSAGE_MISSING", "a unary call without a message")
    }
    guard try await stream.receive() == nil else {
      throw RPCError(
        .unimplemented, reason: "MESSAGE_NOT_EXPECTED", "more than one message in a unary call")
    }
    let invocation = UnaryInvocation(context: context, arena: MessageArena(), limits: messageLimits)
    invocation.context.isRequestCompressed = request.isCompressed
    invocation.interceptors = channel.interceptors
    invocation.buffer.fill(request.bytes)
    try await body(invocation)
    let answer = unsafe Array(invocation.buffer.message)
    try await stream.send(answer, compress: true)
  }

  // MARK: The answer

  /// Gives the client the initial metadata, unless it has them.
  func sendHeaders() {
    let isFirst = state.withLock { state in
      defer { state.hasHeaders = true }
      return !state.hasHeaders && !state.isOver
    }
    if isFirst { response.begin(sendable(context.response.begin().initialMetadata)) }
  }

  /// True when the server's messages are said to be compressed.
  var compressesAnswers: Bool {
    acceptsCompression && context.response.compression != .identity
  }

  /// Ends the call with the server's status, after the messages that are queued.
  private func end(_ status: RPCError?) {
    if status == nil || !context.response.initialMetadata.isEmpty { sendHeaders() }
    guard let tasks = leave() else { return }
    defer { for task in tasks { task.cancel() } }
    var trailing = context.response.trailingMetadata
    if context.response.isLate { notSent("the headers were changed when they were out") }
    if let status { trailing.append(contentsOf: status.metadata) }
    trailing = sendable(trailing)
    response.end(trailing)
    let outcome = status.map { status in
      RPCError(
        status.code, cut(status.message),
        details: (status.encodedDetails()?.count ?? 0) <= channel.limits.maximumStatusDetailsBytes
          ? status.details : [], metadata: trailing)
    }
    answers.finish(outcome)
    requests.fail(
      reading: RPCError(.cancelled, "the call has ended"),
      writing: outcome ?? StreamClosedError() as any Error)
  }

  /// Ends the call from the client's side, or because its time is over.
  private func abort(_ error: RPCError) {
    guard let tasks = leave() else { return }
    // After the pipes, so that a handler that waits for one learns why.
    defer { for task in tasks { task.cancel() } }
    response.end(error.metadata)
    answers.fail(reading: error)
    requests.fail(reading: error)
  }

  /// Ends the call because the client does not want it any more.
  func cancel() {
    abort(
      context.deadline?.isPast == true
        ? RPCError(.deadlineExceeded, "the deadline has passed")
        : RPCError(.cancelled, "the call was cancelled"))
  }

  /// Ends the call because the server sent what the client does not take.
  func refuse(_ error: RPCError) { abort(error) }

  /// Takes the call out of the books, and gives its tasks; nil when it is over already.
  private func leave() -> [Task<Void, Never>]? {
    let tasks: [Task<Void, Never>]? = state.withLock { state in
      guard !state.isOver else { return nil }
      state.isOver = true
      defer { state.tasks = [] }
      return state.tasks
    }
    if tasks != nil { channel.leave() }
    return tasks
  }

  /// A status's text within its limit, cut at a character.
  private func cut(_ text: String) -> String {
    let limit = channel.limits.maximumStatusMessageBytes
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: limit)
    while end > text.startIndex, String.Index(end, within: text.unicodeScalars) == nil {
      end = text.utf8.index(before: end)
    }
    return String(text[..<end])
  }

  /// What may be sent of a server's metadata; the rest is logged.
  private func sendable(_ metadata: Metadata) -> Metadata {
    var result = Metadata()
    var size = 0
    for entry in metadata.entries {
      if let fault = entry.fault {
        notSent(fault.message)
      } else if size + entry.listBytes > channel.limits.maximumMetadataBytes {
        notSent("the call's metadata is too long to be sent")
      } else {
        size += entry.listBytes
        result.append(entry)
      }
    }
    return result
  }

  private func notSent(_ reason: String) {
    channel.logger.error(
      "metadata not sent",
      metadata: ["method": "\(context.method.path)", "error": "\(reason)"])
  }

  // MARK: The client's unary call

  /// Sends the one request and takes the one answer.
  func unary(_ request: [UInt8]) async throws -> RawResponse {
    let stream = InProcessClientStream(call: self)
    do {
      try await stream.send(request, compress: true)
      await stream.finishSending()
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      // Answered without the request; the reader knows how.
    }
    guard let answer = try await stream.receive() else {
      throw RPCError(.unimplemented, "the server answered OK without a message")
    }
    guard try await stream.receive() == nil else {
      let error = RPCError(
        .unimplemented, reason: "MESSAGE_NOT_EXPECTED", "more than one message in a unary call")
      refuse(error)
      throw error
    }
    response.received(compressed: answer.isCompressed)
    return RawResponse(
      message: answer.bytes, initialMetadata: response.initialMetadata ?? Metadata(),
      trailingMetadata: response.trailingMetadata ?? Metadata())
  }
}

extension Metadata {
  /// These entries, then others.
  fileprivate func followed(by other: Metadata) -> Metadata {
    var all = self
    all.append(contentsOf: other)
    return all
  }
}
