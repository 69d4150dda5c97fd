internal import Compression
internal import HTTP2
internal import NIOCore
internal import RPCCore
internal import TLS

/// A client's end of a connection: turns calls into streams (gRPC over HTTP/2).
final class ClientConnection: Connection {
  private let subchannel: Subchannel
  private let channel: LoopChannel
  /// False once the server goes away or the connection has ended.
  private(set) var acceptsCalls = false
  /// Streams beyond this were not processed, by the server's GOAWAY.
  private var lastProcessedStreamID = Int32.max

  init(subchannel: Subchannel, channel: LoopChannel, engine: TLSEngine) {
    self.subchannel = subchannel
    self.channel = channel
    super.init(loop: channel.loop, limits: channel.limits, engine: engine)
  }

  override var role: HTTP2Session.Role { .client }

  override func opened() {
    acceptsCalls = true
    keepalive = channel.keepaliveSeconds.map { seconds in
      Keepalive(
        intervalSeconds: seconds, timeoutSeconds: limits.keepaliveTimeoutSeconds,
        pingsWithoutCalls: limits.clientKeepaliveWithoutCalls)
    }
    subchannel.connectionOpened(self)
  }

  override func ended() {
    acceptsCalls = false
    channel.remove(self)
    subchannel.connectionEnded(self)
    channel.finishClosing()
  }

  override func checkLimits(now: UInt64) {
    guard !acceptsCalls, session?.openStreams == 0 else { return }
    session?.terminate(.noError)
    loop.markDirty(self)
  }

  override func goAwayReceived(_ goAway: HTTP2GoAway) {
    acceptsCalls = false
    lastProcessedStreamID = min(lastProcessedStreamID, goAway.lastStreamID)
    if goAway.code == .enhanceYourCalm, goAway.debugData == ServerConnection.tooManyPings {
      channel.pingedTooOften()
    }
    subchannel.connectionLeaves(self)
  }

  /// True when another call may start.
  var hasRoom: Bool {
    guard acceptsCalls, let session else { return false }
    return session.openStreams
      < min(limits.maximumCallsPerConnection, session.peerMaximumConcurrentStreams)
  }

  /// Takes no new calls, and closes after those that run.
  func retire() {
    acceptsCalls = false
    guard session?.openStreams == 0 else { return }
    session?.terminate(.noError)
    loop.markDirty(self)
  }

  // MARK: The request

  /// Sends a call; false when the connection takes no more calls at all.
  func send(_ call: ClientCall) -> Bool {
    guard acceptsCalls, let session else { return false }
    let headers = loop.headers
    headers.removeAll()
    headers.append(":method", "POST")
    headers.append(":scheme", "https")
    headers.append(":path", call.method.path)
    headers.append(":authority", subchannel.address.host.description)
    headers.append("te", "trailers")
    headers.append("content-type", "application/grpc")
    headers.append("user-agent", "kontor/1")
    if let deadline = call.deadline {
      let remaining = deadline.remaining(now: loop.now()).saturatedNanoseconds
      headers.append("grpc-timeout", Timeout.format(remaining))
    }
    if let encoding = call.encoding { headers.append("grpc-encoding", encoding.name) }
    if call.encoding != nil || call.options.acceptsCompression {
      headers.append("grpc-accept-encoding", MessageEncoding.accepted)
    }
    if call.previousAttempts > 0 {
      headers.append("grpc-previous-rpc-attempts", String(call.previousAttempts))
    }
    do throws(RPCError) {
      try call.options.metadata.write(to: headers, limit: limits.http2.maximumHeaderListBytes)
    } catch {
      call.finish(.failure(error))
      return true
    }
    guard let stream = session.submitRequest(headers, endStream: false) else {
      // The session has no more streams to give.
      acceptsCalls = false
      let confined = LoopConfined(value: self)
      loop.eventLoop.execute { confined.value.subchannel.connectionLeaves(confined.value) }
      return false
    }
    stream.owner = call
    call.state = .sent(streamID: stream.id)
    call.connection = self
    loop.markDirty(self)
    if let messages = call.messages {
      messages.sendEncoding = call.encoding
      messages.attach(to: stream, of: self)
      return true
    }
    do throws(RPCError) {
      try call.fillRequest()
    } catch {
      session.reset(stream, .cancel)
      call.finish(.failure(error))
      return true
    }
    guard unsafe session.submitData(stream, call.buffer.framed, endStream: true) else {
      session.reset(stream, .cancel)
      call.finish(
        .failure(
          RPCError(.resourceExhausted, "too many bytes wait to be sent to \(subchannel.address)")))
      return true
    }
    return true
  }

  /// The caller gave up.
  func cancel(streamID: Int32, _ messages: MessageStream?) {
    guard let session else { return }
    if let messages {
      messages.reset(session)
    } else if let stream = session.stream(streamID) {
      session.reset(stream, .cancel)
    }
    loop.markDirty(self)
  }

  // MARK: The response

  private func call(of stream: HTTP2Stream) -> ClientCall? {
    guard let call = stream.owner.map({ unsafe unsafeDowncast($0, to: ClientCall.self) }),
      call.state == .sent(streamID: stream.id)
    else { return nil }
    return call
  }

  override func headersReceived(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock) {
    guard let call = call(of: stream) else { return }
    let head = ResponseHead(headers)
    if let failure = head.failure { return give(up: call, stream, failure) }
    guard call.initial != nil else {
      guard !head.isInterim else { return }
      call.initial = head
      if !head.hasStatus {
        call.options.response?.begin(head.metadata)
        call.messages?.answerBegan()
      }
      call.deframer.encoding = head.encoding
      call.messages?.setEncoding(head.encoding)
      if let encoding = head.unknownEncoding {
        give(
          up: call, stream,
          RPCError(.internalError, "the response has message encoding \(encoding)"))
      }
      return
    }
    call.trailers = head
  }

  override func dataReceived(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, in session: HTTP2Session
  ) {
    guard let call = call(of: stream) else { return session.consume(stream, bytes.count) }
    if let messages = call.messages, call.initial?.isMessages == true {
      call.hasData = true
      return unsafe messages.receive(bytes, on: stream)
    }
    session.consume(stream, bytes.count)
    // The body of a response that is not gRPC is not looked at.
    call.hasData = true
    guard call.initial?.isMessages == true else { return }
    do {
      unsafe try call.deframer.append(bytes, into: call.buffer)
    } catch {
      give(up: call, stream, error)
    }
  }

  override func queueDrained(_ stream: HTTP2Stream) { call(of: stream)?.messages?.queueDrained() }

  override func endReceived(_ stream: HTTP2Stream) {
    guard let call = call(of: stream) else { return }
    guard let initial = call.initial else {
      return give(up: call, stream, RPCError(.internalError, "a response without headers"))
    }
    let trailers = call.trailers ?? initial
    call.isTrailersOnly = call.trailers == nil && !call.hasData
    var error = trailers.outcome(initial: initial)
    if !initial.isGRPC, !trailers.hasStatus {
      let http = initial.httpStatus.map { "\($0)" } ?? "none"
      error = RPCError(
        initial.statusByHTTP, "the response is not gRPC; its HTTP status is \(http)")
    }
    resetUnlessSent(stream, call)
    if let error, call.isRetried(after: error) {
      stream.owner = nil
      return
    }
    call.options.response?.end(trailers.metadata)
    if call.messages != nil { return call.finishMessages(error) }
    if let error { return call.finish(.failure(error)) }
    guard call.deframer.isComplete else {
      let isEmpty = call.deframer.isEmpty
      return call.finish(
        .failure(
          isEmpty
            ? RPCError(.unimplemented, "the server answered OK without a message")
            : RPCError(.internalError, "the response ended inside a message")))
    }
    if call.deframer.isMessageCompressed {
      call.options.response?.received(compressed: true)
      do {
        try call.deframer.decompress(in: call.buffer)
      } catch {
        return call.finish(.failure(error))
      }
    }
    unsafe call.finish(
      .success(
        RawResponse(
          message: Array(call.buffer.message),
          initialMetadata: call.trailers == nil ? Metadata() : initial.metadata,
          trailingMetadata: trailers.metadata)))
  }

  /// Resets a stream that the server has ended while our side is open: nobody reads what we might
  /// still send, and there may never be a window for it.
  private func resetUnlessSent(_ stream: HTTP2Stream, _ call: ClientCall) {
    guard let session, !session.hasEnded(stream) else { return }
    if let messages = call.messages { return messages.reset(session) }
    // A server that resets it itself has done so behind its answer.
    let confined = LoopConfined(value: (self, stream.id))
    loop.eventLoop.execute {
      let (connection, id) = confined.value
      guard let session = connection.session, let stream = session.stream(id) else { return }
      session.reset(stream, .cancel)
      connection.loop.markDirty(connection)
    }
  }

  /// Ends a call whose response cannot be used.
  private func give(up call: ClientCall, _ stream: HTTP2Stream, _ error: RPCError) {
    session?.reset(stream, .cancel)
    loop.markDirty(self)
    call.finish(.failure(error))
  }

  override func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    defer { channel.streamClosed(self) }
    let call = call(of: stream)
    (stream.owner as? ClientCall)?.messages?.detach()
    stream.owner = nil
    guard let call else { return }
    let isBeyondGoAway = stream.id > lastProcessedStreamID
    let fate: AttemptFate =
      stream.wasNeverSent
      ? .neverSent : isBeyondGoAway || code == .refusedStream ? .notProcessed : .unknown
    guard !call.isRetriedTransparently(after: fate) else { return }
    if isBeyondGoAway {
      call.attemptFailed(RPCError(.unavailable, "\(subchannel.address) goes away"))
    } else if session?.failure == nil, state == .open {
      call.attemptFailed(
        RPCError(
          code.status, "\(subchannel.address) reset the call with HTTP/2 error \(code.rawValue)"))
    } else {
      let reason = closeReason ?? session?.failure?.description ?? "closed"
      call.attemptFailed(
        RPCError(.unavailable, "the connection to \(subchannel.address) was lost: \(reason)"))
    }
  }
}
