internal import Compression
internal import HTTP2
internal import Logging
internal import NIOCore
internal import RPCCore
internal import TLS

/// A server's end of a connection: turns streams into calls (gRPC over HTTP/2).
final class ServerConnection: Connection {
  let core: ServerCore
  private let remoteAddress: String
  private var peer: Peer
  /// Whether this peer may call each method: unknown, yes or no.
  private var permissions: [Bool?]
  /// Handlers that have not returned, their streams open or not.
  var runningHandlers = 0
  var budget: RequestBudget
  /// Streaming requests that have a large window.
  var wideStreams = 0
  /// Requests that are not gRPC and have not ended, by their stream.
  var refusedRequests: [Int32: RefusedRequest] = [:]
  private var age: ConnectionAge
  private var pingStrikes: PingStrikes
  private var drainingSince: UInt64?

  init(core: ServerCore, loop: LoopContext, engine: TLSEngine, remoteAddress: String) {
    self.core = core
    self.remoteAddress = remoteAddress
    peer = Peer(remoteAddress: remoteAddress)
    permissions = Array(repeating: nil, count: core.router.entries.count)
    age = ConnectionAge(core.limits, now: loop.now(), random: loop.nextRandom())
    pingStrikes = PingStrikes(core.limits)
    budget = RequestBudget(limit: core.limits.maximumBufferedRequestBytes)
    super.init(loop: loop, limits: core.limits, engine: engine)
    keepalive = Keepalive(
      intervalSeconds: limits.serverKeepaliveSeconds,
      timeoutSeconds: limits.keepaliveTimeoutSeconds, pingsWithoutCalls: true)
  }

  override var sessionLimits: HTTP2Limits {
    var limits = limits.http2
    limits.streamWindowBytes = self.limits.requestWindowBytes
    return limits
  }

  override func handshakeCompleted(_ handshake: TLSHandshake) {
    peer = Peer(remoteAddress: remoteAddress, certificateNames: handshake.peerNames)
    if drainingSince != nil { session?.beginDrain() }
  }

  override func ended() {
    if let closeReason {
      core.logger.debug(
        "connection ended", metadata: ["peer": "\(remoteAddress)", "reason": "\(closeReason)"])
    }
  }

  override func checkLimits(now: UInt64) {
    if let drainingSince, isOver(drainingSince, limits.drainPingSeconds, now) {
      session?.finishDrain()
      loop.markDirty(self)
    }
    if let session, session.queuedBytes > 0 {
      session.resetUnread(
        now: now, nanoseconds: UInt64(clamping: limits.unreadAnswerSeconds) &* 1_000_000_000)
      loop.markDirty(self)
    }
    checkRequests(now: now)
    refuseOverdueRequests(now: now)
    switch age.check(now: now, hasCalls: hasCalls) {
    case .live: break
    case .drain: drain()
    case .cutOff: close("the connection was at its age, and its calls took longer than the grace")
    }
  }

  /// Times those calls out whose requests take too long to arrive.
  private func checkRequests(now: UInt64) {
    session?.forEachStream { stream in
      guard let call = call(of: stream), let due = call.requestDue, due <= now else { return }
      timeout(call)
    }
  }

  private var hasCalls: Bool { session.map { $0.openStreams > 0 } ?? false }

  override func pingReceived() {
    guard let session else { return }
    let hasSent = session.takeSentMessages()
    guard !pingStrikes.received(now: now, hasCalls: hasCalls, hasSent: hasSent) else { return }
    session.abort(HTTP2Error(.enhanceYourCalm, Self.tooManyPings))
  }

  /// The debug data of the GOAWAY for a client that pings too often (gRFC A8).
  static let tooManyPings = "too_many_pings"

  /// Begins the graceful end: no call accepted so far is lost.
  func drain() {
    guard drainingSince == nil else { return }
    drainingSince = loop.now()
    age.drainBegan()
    session?.beginDrain()
    loop.markDirty(self)
  }

  // MARK: The request

  override func headersReceived(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock) {
    age.callBegan(now: now)
    guard stream.owner == nil else { return }
    guard runningHandlers < Int(limits.http2.maximumConcurrentStreams) else {
      session?.reset(stream, .refusedStream)
      return
    }
    let call = loop.takeCall()
    do throws(RequestHead.Refusal) {
      let head = try RequestHead(headers, core.router, into: &call.invocation.metadata)
      try accept(head, call, stream)
    } catch {
      loop.give(call)
      switch error {
      case .rpc(let error): refuse(stream, error)
      case .http(let refusal): refuseAtEnd(stream, refusal)
      }
    }
  }

  /// Makes a call of a request that is in order.
  private func accept(
    _ head: consuming RequestHead, _ call: ServerCall, _ stream: HTTP2Stream
  ) throws(RequestHead.Refusal) {
    if let index = head.method {
      let entry = core.router.entries[index]
      guard isAllowed(entry) else { throw .rpc(denied(entry.method.service)) }
      call.answer(by: entry)
    } else {
      call.answerByFallback(try unregisteredMethod(head.unknownPath))
    }
    try begin(call, head, stream)
  }

  /// The method of a path that only the fallback has.
  private func unregisteredMethod(_ path: String?) throws(RequestHead.Refusal) -> MethodDescriptor {
    guard let fallback = core.fallback, let path,
      let method = fallback.method(at: path) ?? MethodDescriptor(path: path),
      !method.path.utf8.contains(UInt8(ascii: "?"))
    else {
      throw .rpc(
        RPCError(.unimplemented, reason: "METHOD_UNKNOWN", "this server has no such method"))
    }
    guard core.allows(peer.certificateNames, toCall: method.service) else {
      throw .rpc(denied(method.service))
    }
    return method
  }

  private func begin(
    _ call: ServerCall, _ head: borrowing RequestHead, _ stream: HTTP2Stream
  ) throws(RequestHead.Refusal) {
    guard head.timeout != 0 else {
      throw .rpc(
        RPCError(
          .deadlineExceeded, reason: "DEADLINE_EXCEEDED", "the deadline had passed on arrival"))
    }
    let deadline = head.timeout.map { timeout in
      let (time, overflow) = now.addingReportingOverflow(timeout)
      return Deadline(uptimeNanoseconds: overflow ? .max : time)
    }
    call.invocation.renew(
      deadline: deadline, peer: peer,
      correlationID: head.correlationID.map { .given($0) } ?? .made(loop.nextRandom()),
      traceparent: head.traceparent)
    call.begin(
      streamID: stream.id, connection: self, limit: limits.maximumMessageBytes,
      encoding: head.encoding, accepted: head.accepted)
    stream.owner = call
    if let deadline { loop.setTimer(call, at: deadline.uptimeNanoseconds, now: now) }
    switch call.kind {
    case .unary: call.requestDue = requestDue
    case .serverStreaming:
      call.requestDue = requestDue
      startStreaming(call, stream)
    case .clientStreaming, .bidirectional: startStreaming(call, stream)
    }
  }

  /// When a request that begins now must have arrived.
  private var requestDue: UInt64 {
    now &+ UInt64(clamping: limits.requestSeconds) &* 1_000_000_000
  }

  private func isAllowed(_ entry: MethodEntry) -> Bool {
    if let known = permissions[entry.index] { return known }
    let allowed = core.allows(peer.certificateNames, toCall: entry.method.service)
    permissions[entry.index] = allowed
    return allowed
  }

  private func denied(_ service: String) -> RPCError {
    let name = peer.certificateNames.first ?? "a peer without a certificate"
    core.logger.warning(
      "peer refused",
      metadata: ["peer": "\(remoteAddress)", "name": "\(name)", "rpc_service": "\(service)"])
    return RPCError(
      .permissionDenied, reason: "PEER_NOT_ALLOWED", "\(name) may not call \(service)")
  }

  /// What has come of a unary request.
  private enum Reception {
    /// It is taken care of.
    case taken
    /// It is not for a unary request that is still to come.
    case foreign
    /// The request is wrong.
    case refused(RPCError)
  }

  override func dataReceived(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, in session: HTTP2Session
  ) {
    let reception = withCall(of: stream) { unsafe receive(bytes, for: $0, stream, session) }
    switch reception {
    case .taken: break
    case .refused(let error): refuseRequest(stream, error)
    case .foreign, nil: unsafe streamingDataReceived(stream, bytes)
    }
  }

  private func receive(
    _ bytes: UnsafeRawBufferPointer, for call: ServerCall, _ stream: HTTP2Stream,
    _ session: HTTP2Session
  ) -> Reception {
    guard call.state == .receiving else { return .foreign }
    do {
      unsafe try call.deframer.append(bytes, into: call.buffer)
    } catch {
      session.consume(stream, bytes.count)
      return .refused(error)
    }
    if call.deframer.messageBytes > smallMessageBytes, call.reservedBytes == 0, !call.isHeldBack {
      reserve(call, stream)
    }
    if call.isHeldBack {
      session.hold(stream, bytes.count)
    } else {
      session.consume(stream, bytes.count)
    }
    return .taken
  }

  override func endReceived(_ stream: HTTP2Stream) {
    switch withCall(of: stream, { requestEnded($0) }) {
    case .taken: break
    case .refused(let error): refuseRequest(stream, error)
    case .foreign, nil: streamingEndReceived(stream)
    }
  }

  private func requestEnded(_ call: ServerCall) -> Reception {
    guard call.state == .receiving else { return .foreign }
    guard call.deframer.isComplete else {
      let isEmpty = call.deframer.isEmpty
      return .refused(
        isEmpty
          ? RPCError(.unimplemented, reason: "MESSAGE_MISSING", "a unary call without a message")
          : RPCError(
            .internalError, reason: "MESSAGE_UNFINISHED", "the request ended inside a message"))
    }
    if call.deframer.isMessageCompressed {
      do {
        try call.deframer.decompress(in: call.buffer)
      } catch {
        return .refused(error)
      }
    }
    start(call)
    return .taken
  }

  /// Answers a request that is wrong.
  private func refuseRequest(_ stream: HTTP2Stream, _ error: RPCError) {
    if let call = call(of: stream) { answer(call, error) }
  }

  override func mayCollect(_ bytes: Int, _ stream: HTTP2Stream) -> Bool { reserve(bytes, stream) }

  override func collected(_ stream: HTTP2Stream) { messageTaken(stream) }

  override func queueDrained(_ stream: HTTP2Stream) { call(of: stream)?.messages?.queueDrained() }

  override func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    guard let call = call(of: stream) else {
      if !refusedRequests.isEmpty { refusedRequests[stream.id] = nil }
      return
    }
    stream.owner = nil
    let wasRunning = call.state == .running
    let wasReceiving = call.state == .receiving
    leave(call)
    if let messages = call.messages {
      messages.detach()
      messages.fail(RPCError(.cancelled, "the call was cancelled"))
    }
    if wasRunning { call.cancelHandler() }
    if wasReceiving { loop.give(call) }
  }

  func call(of stream: HTTP2Stream) -> ServerCall? {
    stream.owner.map { unsafe unsafeDowncast($0, to: ServerCall.self) }
  }

  /// Lends the call of a stream without counting it; nil when there is none.
  private func withCall<Result>(
    of stream: HTTP2Stream, _ body: (ServerCall) -> Result
  ) -> Result? {
    stream.withOwner(as: ServerCall.self, body)
  }

  // MARK: The handler

  private func start(_ call: ServerCall) {
    call.state = .running
    call.requestDue = nil
    if call.deframer.isMessageCompressed { call.invocation.context.isRequestCompressed = true }
    if !core.interceptors.isEmpty { call.invocation.interceptors = core.interceptors }
    call.invocation.limits = core.messageLimits
    runningHandlers += 1
    loop.run(call)
  }

  /// Runs the fallback for a call and answers with what comes of it.
  func runFallback(_ call: ServerCall) async {
    guard call.state == .running else { return handlerNotRun(call) }
    do {
      handlerReturned(call, try await answerByFallback(call))
    } catch {
      handlerFailed(call, error)
    }
  }

  private func answerByFallback(_ call: ServerCall) async throws -> RawResponse {
    guard let fallback = core.fallback else {
      throw RPCError(.unimplemented, reason: "METHOD_UNKNOWN", "this server has no such method")
    }
    let request = unsafe Array(call.buffer.message)
    var response: RawResponse?
    try await core.interceptors.run(call.context) { context in
      response = try await fallback.handle(
        method: context.method.path, request: request, context: context)
    }
    guard let response else {
      throw RPCError(.internalError, "an interceptor answered without a response")
    }
    call.buffer.fill(response.message)
    return response
  }

  /// Answers a call with what its handler has put into the buffer.
  func handlerReturned(_ call: consuming ServerCall, _ response: RawResponse?) {
    loop.eventLoop.assertInEventLoop()
    runningHandlers -= 1
    if call.state == .running { succeed(call, response) }
    leaveBudget(call)
    loop.give(call)
  }

  /// Takes a call back that was reset or timed out within the turn that brought it.
  func handlerNotRun(_ call: consuming ServerCall) {
    loop.eventLoop.assertInEventLoop()
    runningHandlers -= 1
    leaveBudget(call)
    loop.give(call)
  }

  /// Answers a call with its handler's error.
  func handlerFailed(_ call: consuming ServerCall, _ error: any Error) {
    loop.eventLoop.assertInEventLoop()
    runningHandlers -= 1
    if call.state == .running { answer(call, status(of: error, call)) }
    leaveBudget(call)
    loop.give(call)
  }

  /// What a handler's error says to the caller.
  func status(of error: any Error, _ call: ServerCall) -> RPCError {
    call.context.status(of: error, logger: core.logger)
  }

  /// The deadline has passed, or the request took too long to arrive.
  func timeout(_ call: ServerCall) {
    guard call.state != .finished else { return }
    let wasRunning = call.state == .running
    answer(
      call, RPCError(.deadlineExceeded, reason: "DEADLINE_EXCEEDED", "the deadline has passed"))
    if wasRunning { call.cancelHandler() }
  }

  // MARK: The answer

  private func succeed(_ call: ServerCall, _ response: RawResponse?) {
    let isPlain = response == nil && call.invocation.hasPlainResponse
    if !isPlain {
      do { try compress(call) } catch { return answer(call, error) }
    }
    guard let session else { return leave(call) }
    guard unsafe call.buffer.framed.count <= session.limits.maximumQueuedBytes - session.queuedBytes
    else {
      return answer(
        call,
        RPCError(
          .resourceExhausted, reason: "PEER_TOO_SLOW", "the peer reads its answers too slowly"))
    }
    leave(call)
    session.withStream(call.streamID) { stream in
      stream.owner = nil
      if isPlain {
        unsafe loop.submitPlainResponse(stream, call.buffer.framed, in: session)
      } else {
        unsafe session.submitResponse(
          stream, responseHeaders(call, adding: response?.initialMetadata), call.buffer.framed,
          trailers(call, nil, adding: response?.trailingMetadata))
      }
    }
    loop.markDirty(self)
  }

  /// Answers a call with an error: one header block that ends the stream (Trailers-Only).
  func answer(_ call: ServerCall, _ error: RPCError) {
    let wasReceiving = call.state == .receiving
    leave(call)
    if let messages = call.messages { return end(call, messages, error) }
    if let stream = session?.stream(call.streamID) {
      stream.owner = nil
      refuse(stream, error, call)
    }
    if wasReceiving { loop.give(call) }
  }

  /// Ends a stream with an error and nothing before it: one header block, or two where a handler
  /// has set initial metadata.
  func refuse(
    _ stream: HTTP2Stream, _ error: RPCError, _ call: ServerCall? = nil
  ) {
    if let call, !call.response.isPlain {
      guard call.response.initialMetadata.isEmpty else {
        session?.submitHeaders(stream, responseHeaders(call), endStream: false)
        session?.submitTrailers(stream, trailers(call, error))
        return loop.markDirty(self)
      }
    }
    let headers = block(":status", "200")
    writeStatus(error, to: headers)
    if let call, !call.response.isPlain { write(call.response.trailingMetadata, to: headers, call) }
    write(error.metadata, to: headers, call)
    end(stream, headers)
  }

  private func end(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock) {
    session?.submitHeaders(stream, headers, endStream: true)
    loop.markDirty(self)
  }

  func block(_ name: StaticString, _ value: StaticString) -> HTTP2HeaderBlock {
    loop.headers.removeAll()
    loop.headers.append(name, value)
    loop.headers.append("content-type", "application/grpc")
    return loop.headers
  }

  func writeStatus(_ error: RPCError, to headers: HTTP2HeaderBlock) {
    headers.append("grpc-status", "\(error.code.rawValue)")
    if !error.message.isEmpty {
      headers.append(
        "grpc-message",
        PercentEncoding.encode(error.message, limit: limits.maximumStatusMessageBytes))
    }
    if error.code == .unimplemented {
      headers.append("grpc-accept-encoding", MessageEncoding.accepted)
    }
    if let details = error.encodedDetails(), details.count <= limits.maximumStatusDetailsBytes {
      headers.append("grpc-status-details-bin", Base64.encode(details))
    }
  }

  /// Takes a call out of the connection's books; the request of a unary one stays in the budget for
  /// as long as its handler runs.
  func leave(_ call: ServerCall) {
    if call.isWide { wideStreams -= 1 }
    call.isWide = false
    let holdsRequest = call.state == .running && call.messages == nil
    if call.timerPosition != nil { loop.cancelTimer(call) }
    call.state = .finished
    if !holdsRequest { leaveBudget(call) }
  }
}
