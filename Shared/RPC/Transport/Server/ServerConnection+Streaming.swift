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
    let confined = LoopConfined(value: (self, call, messages))
    let task = Task.immediate(executorPreference: loop.executor) {
      let (connection, call, messages) = confined.value
      await connection.runStreaming(call, messages)
    }
    if call.state == .running { call.task = task }
  }

  private func runStreaming(_ call: ServerCall, _ messages: MessageStream) async {
    var failure: RPCError?
    do {
      let invocation = StreamInvocation(
        stream: messages, context: call.context, interceptors: core.interceptors,
        limits: core.messageLimits)
      if let entry = unsafe call.entry?.takeUnretainedValue() {
        try await entry.handler.invoke(invocation)
      } else {
        try await invocation.run(core.fallback)
      }
    } catch {
      failure = status(of: error, call)
    }
    loop.eventLoop.assertInEventLoop()
    runningHandlers -= 1
    if call.state == .running {
      leave(call)
      end(call, messages, failure)
    }
    loop.give(call)
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
    widenBusyStream(call, stream, bytes.count)
  }

  /// END_STREAM that does not complete a unary request.
  func streamingEndReceived(_ stream: HTTP2Stream) {
    guard let call = call(of: stream) else { return refusedRequestEnded(stream) }
    guard let messages = call.messages else { return }
    call.requestDue = nil
    messages.end(nil)
  }
}
