internal import HTTP2
internal import NIOCore
internal import RPCCore

/// Streaming calls: their handlers run from the headers on, and end the call when they return.
extension ServerConnection {
  /// Starts the handler of a streaming call.
  func startStreaming(_ call: ServerCall, _ stream: HTTP2Stream) {
    let messages = MessageStream(role: .server, loop: loop, limits: limits)
    call.messages = messages
    messages.setEncoding(call.deframer.encoding)
    call.state = .running
    runningHandlers += 1
    messages.attach(to: stream, of: self) { [unowned call] in
      call.messages?.sendEncoding = self.encoding(of: call)
      return self.responseHeaders(call)
    }
    setFirstTimer(call)
    let invocation = StreamInvocation(
      stream: messages, context: call.handlerContext, interceptors: core.interceptors,
      limits: core.messageLimits)
    let confined = LoopConfined(value: call)
    let task = Task.immediate(executorPreference: loop.executor) {
      await confined.value.connection.run(confined.value, invocation)
    }
    if call.state == .running { call.task = task }
  }

  /// The call's deadline; where the client sends one message only, also the limit on its arrival.
  private func setFirstTimer(_ call: ServerCall) {
    let deadline = call.context.deadline?.uptimeNanoseconds
    var time = deadline
    if call.context.method.kind == .serverStreaming {
      let limit = now &+ UInt64(clamping: limits.requestSeconds) &* 1_000_000_000
      time = min(limit, deadline ?? limit)
    }
    guard let time else { return }
    call.timerTime = time
    loop.setTimer(call, at: time, now: now)
  }

  private func run(
    _ call: ServerCall, _ invocation: StreamInvocation
  ) async {
    var failure: RPCError?
    do {
      switch call.target {
      case .method(let entry): try await entry.handler.invoke(invocation)
      case .fallback: try await invocation.run(core.fallback)
      }
    } catch {
      failure = status(of: error, call)
    }
    loop.eventLoop.assertInEventLoop()
    runningHandlers -= 1
    if call.state == .running, let messages = call.messages {
      leave(call)
      end(call, messages, failure)
    }
    loop.give(call.buffer)
  }

  /// Ends a call with its status, after the messages that are queued.
  func end(_ call: ServerCall, _ messages: MessageStream, _ error: RPCError?) {
    if let session, let stream = session.stream(call.streamID) {
      stream.owner = nil
      if let error, messages.needsHeaders {
        refuse(stream, error, call)
      } else {
        messages.submitHeaders(session, stream)
        session.submitTrailers(stream, trailers(call, error))
        loop.markDirty(self)
      }
    }
    messages.detach()
    messages.fail(error ?? RPCError(.cancelled, "the call has ended"))
  }

  /// DATA that is not for a unary request.
  func streamingDataReceived(_ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer) {
    guard let call = call(of: stream), let messages = call.messages else {
      session?.consume(stream, bytes.count)
      return
    }
    unsafe messages.receive(bytes, on: stream)
    guard bufferedBytes > limits.maximumBufferedRequestBytes else { return }
    answer(
      call,
      RPCError(
        .resourceExhausted, reason: "TOO_MANY_UNFINISHED_REQUESTS",
        "too many unread messages on this connection"))
    call.task?.cancel()
  }

  /// END_STREAM that does not complete a unary request.
  func streamingEndReceived(_ stream: HTTP2Stream) {
    guard let call = call(of: stream), let messages = call.messages else { return }
    if call.context.method.kind == .serverStreaming { retime(call) }
    messages.end(nil)
  }
}
