internal import Compression
internal import HTTP2
internal import Messages
internal import NIOCore
internal import RPCCore

/// The messages of one streaming call, for either side.
///
/// Received bytes wait within the stream's window until the application reads; sent messages wait
/// in the HTTP/2 stream's queue up to `maximumQueuedStreamBytes`, beyond which writers wait.
///
/// `@unchecked Sendable`: everything but `loop` and `limits` is touched on the event loop only;
/// tasks elsewhere go there first.
final class MessageStream: RawMessageStream, @unchecked Sendable {
  /// How the other side's messages end.
  private enum Ending {
    /// After the bytes that are here.
    case ended(RPCError?)
    /// At once.
    case failed(RPCError)
  }

  let loop: LoopContext
  let limits: RPCLimits
  private let role: HTTP2Session.Role
  private weak var connection: Connection?
  /// Nil before a client's call has a connection, and after the stream's end.
  private var stream: HTTP2Stream?
  /// Where a server's messages go while `stream` is there.
  private var outlet: MessageOutlet?
  private var received: ReceivedBytes
  private var ending: Ending?
  private var reader: StreamWaiter<RawMessage?>?
  private var writers: [StreamWaiter<Void>] = []
  /// True once a client has ended its messages, or will when the writers before it are done.
  private var isFinishing = false
  /// Makes what a server sends before its first message.
  private var pendingHeaders: (() -> HTTP2HeaderBlock)?
  /// How messages are sent that may be compressed; nil for plain.
  var sendEncoding: MessageEncoding?
  /// True once a message was given to HTTP/2.
  private var hasSent = false
  /// The config of a client's method; nil for none.
  private var config: MethodConfig?
  /// A client's messages, kept in case that the call is tried again.
  private var sentMessages: SentMessages
  /// Ends a client's call; called on the loop.
  private var whenCancelled: (@Sendable () -> Void)?

  init(role: HTTP2Session.Role, loop: LoopContext, limits: RPCLimits) {
    self.role = role
    self.loop = loop
    self.limits = limits
    received = ReceivedBytes(limit: limits.maximumMessageBytes)
    sentMessages = SentMessages(limit: role == .client ? limits.maximumRetryBufferBytes : 0)
  }

  // MARK: For the call

  /// Takes over what a method's config says about messages, before the call begins.
  func apply(_ config: MethodConfig) {
    self.config = config
    received = ReceivedBytes(limit: config.maximumResponseBytes(limits))
  }

  /// True when every message that was sent can be sent again.
  var canRestart: Bool { !hasSent || sentMessages.areComplete }

  /// The server answers: there is no other attempt.
  func answerBegan() { sentMessages.drop() }

  /// Leaves the stream; the messages are sent again on the next one.
  func restart() {
    stream = nil
    outlet = nil
    connection = nil
  }

  // MARK: For the connection

  /// Sets how received messages may be compressed.
  func setEncoding(_ encoding: MessageEncoding?) { received.encoding = encoding }

  /// Puts the messages on a stream.
  ///
  /// - Parameter headers: makes what is sent before the first message, and may set `sendEncoding`;
  ///   nil when headers are sent.
  func attach(
    to stream: HTTP2Stream, of connection: Connection, headers: (() -> HTTP2HeaderBlock)? = nil
  ) {
    self.stream = stream
    self.connection = connection
    pendingHeaders = headers
    if role == .server, let session = connection.session {
      outlet = MessageOutlet(
        connection, session, stream, maximumQueuedBytes: limits.maximumQueuedStreamBytes)
    }
    guard sendAgain() else { return }
    sendWaiting()
  }

  /// The HTTP/2 stream is over and must not be touched any more.
  func detach() {
    stream = nil
    outlet = nil
    pendingHeaders = nil
  }

  /// Resets the stream, also one whose headers are not sent yet.
  func reset(_ session: HTTP2Session) {
    if let stream { session.reset(stream, .cancel) }
  }

  /// Sets how a client's call ends from this side.
  func onCancel(_ body: @escaping @Sendable () -> Void) { whenCancelled = body }

  /// True while the response headers of a server wait for the first message.
  var needsHeaders: Bool { pendingHeaders != nil }

  /// Sends the response headers of a server unless they are out.
  func submitHeaders(_ session: HTTP2Session, _ stream: HTTP2Stream) {
    guard let headers = pendingHeaders else { return }
    pendingHeaders = nil
    session.submitHeaders(stream, headers(), endStream: false)
  }

  /// The queue for sending is empty.
  func queueDrained() { sendWaiting() }

  /// Takes bytes of DATA.
  func receive(_ bytes: UnsafeRawBufferPointer, on stream: HTTP2Stream) {
    guard let session = connection?.session else { return }
    guard ending == nil else { return session.consume(stream, bytes.count) }
    session.hold(stream, bytes.count)
    unsafe received.append(bytes)
    serveReader()
  }

  /// The message that waited for `mayCollect` may be collected.
  func goOn() { serveReader() }

  /// The other side's messages end after those that are here: with nil, or with the call's status.
  func end(_ status: RPCError?) {
    guard ending == nil else { return }
    ending = .ended(status)
    serveReader()
    // A client's call is over with the server's side.
    if role == .client { failWriters(status ?? StreamClosedError()) }
  }

  /// Ends both sides at once; what nobody has read is dropped.
  func fail(_ error: RPCError) {
    if case .failed = ending { return }
    ending = .failed(error)
    received.removeAll()
    serveReader()
    failWriters(error)
  }

  // MARK: Receiving

  func receive() async throws -> RawMessage? {
    if loop.eventLoop.inEventLoop, reader == nil {
      switch next() {
      case .success(.some(let answer)): return answer
      case .success(nil): break
      case .failure(let error): throw error
      }
    }
    let waiter = StreamWaiter<RawMessage?>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        onLoop { self.wait(waiter, continuation) }
      }
    } onCancel: {
      loop.eventLoop.execute { waiter.cancel() }
    }
  }

  private func wait(
    _ waiter: StreamWaiter<RawMessage?>, _ continuation: CheckedContinuation<RawMessage?, any Error>
  ) {
    guard waiter.begin(continuation) else { return }
    guard reader?.isWaiting != true else {
      waiter.end(.failure(RPCError(.internalError, "two tasks read one stream")))
      return
    }
    reader = waiter
    serveReader()
  }

  private func serveReader() {
    guard let waiter = reader else { return }
    guard waiter.isWaiting else {
      reader = nil
      return
    }
    switch next() {
    case .success(.some(let answer)):
      reader = nil
      waiter.end(.success(answer))
    case .success(nil):
      break
    case .failure(let error):
      reader = nil
      waiter.end(.failure(error))
    }
  }

  /// What a reader gets now: a message, nil for the end, an error; nothing while it must wait.
  private func next() -> Result<RawMessage??, any Error> {
    if case .failed(let error) = ending { return .failure(error) }
    let waiting = received.waitingBytes
    do throws(RPCError) {
      let message = try received.takeMessage { bytes in
        guard let connection, let stream else { return true }
        return connection.mayCollect(bytes, stream)
      }
      release(waiting - received.waitingBytes)
      if let message {
        if let stream { connection?.collected(stream) }
        return .success(.some(message))
      }
    } catch {
      refuse(error)
      return .failure(error)
    }
    guard case .ended(let status) = ending, !received.isHeldBack else { return .success(nil) }
    if let status { return .failure(status) }
    guard received.isBetweenMessages else {
      let error = RPCError(
        .internalError, reason: "MESSAGE_UNFINISHED", "the stream ended inside a message")
      refuse(error)
      return .failure(error)
    }
    return .success(.some(nil))
  }

  /// The other side broke the protocol: nothing more is read.
  private func refuse(_ error: RPCError) {
    ending = .failed(error)
    received.removeAll()
    if role == .client {
      failWriters(error)
      whenCancelled?()
    }
  }

  private func release(_ count: Int) {
    guard count > 0, let stream, let connection else { return }
    connection.session?.releaseHeld(stream, count)
    loop.markDirty(connection)
  }

  // MARK: Sending

  func send(_ message: [UInt8], compress: Bool) async throws {
    try config?.check(requestBytes: message.count)
    if loop.eventLoop.inEventLoop, writers.isEmpty, try sendNow(message, compress) { return }
    let waiter = StreamWaiter<Void>(message: message, compress: compress)
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        onLoop {
          guard waiter.begin(continuation) else { return }
          guard !self.isFinishing else { return waiter.end(.failure(StreamClosedError())) }
          self.writers.append(waiter)
          self.sendWaiting()
        }
      }
    } onCancel: {
      loop.eventLoop.execute { waiter.cancel() }
    }
  }

  func finishSending() async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      onLoop {
        self.isFinishing = true
        self.sendWaiting()
        continuation.resume()
      }
    }
  }

  func sendHeaders() async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      onLoop {
        if let connection = self.connection, let stream = self.stream,
          let session = connection.session
        {
          self.submitHeaders(session, stream)
          self.loop.markDirty(connection)
        }
        continuation.resume()
      }
    }
  }

  /// A server's message after its first, unless it may be compressed: a client's is kept for
  /// another attempt.
  func sendNow(_ message: some Message, compress: Bool) throws -> Bool {
    guard loop.eventLoop.inEventLoop, let outlet, pendingHeaders == nil, writers.isEmpty,
      !isFinishing, !compress || sendEncoding == nil
    else { return false }
    if case .failed(let error) = ending { throw error }
    return try outlet.send(message)
  }

  /// Sends a message if there is room; false when its writer must wait.
  private func sendNow(_ message: [UInt8], _ compress: Bool) throws -> Bool {
    try checkSending()
    return try submit(message, compress)
  }

  /// Throws when nothing more can be sent.
  private func checkSending() throws {
    switch ending {
    case .failed(let error): throw error
    case .ended(let status) where role == .client: throw status ?? StreamClosedError()
    default: break
    }
    guard !isFinishing else { throw StreamClosedError() }
  }

  private func submit(_ message: [UInt8], _ compress: Bool) throws -> Bool {
    guard let connection, let stream, let session = connection.session else { return false }
    guard stream.queuedBytes < limits.maximumQueuedStreamBytes else { return false }
    submitHeaders(session, stream)
    let buffer = loop.takeBuffer()
    defer { loop.give(buffer) }
    try fill(buffer, message, compress)
    guard unsafe session.submitData(stream, buffer.framed) else { throw Self.peerTooSlow }
    hasSent = true
    sentMessages.append(message, compress: compress, hasLeft: session.hasLeft(stream))
    loop.markDirty(connection)
    return true
  }

  /// Puts a message behind its prefix.
  private func fill(
    _ buffer: MessageBuffer, _ message: [UInt8], _ compress: Bool
  ) throws(RPCError) {
    guard compress, let sendEncoding else { return buffer.fill(message) }
    do {
      let small = unsafe try message.withUnsafeBytes { unsafe try sendEncoding.compressed($0) }
      buffer.fill(small, isCompressed: true)
    } catch let error as RPCError {
      throw error
    } catch {
      throw RPCError(.internalError, "a message does not compress")
    }
  }

  /// Sends what earlier attempts have sent; false when that fails, and the call with it.
  private func sendAgain() -> Bool {
    guard hasSent, let connection, let stream, let session = connection.session else { return true }
    let buffer = loop.takeBuffer()
    defer { loop.give(buffer) }
    do throws(RPCError) {
      for message in sentMessages.messages {
        try fill(buffer, message.bytes, message.compress)
        guard unsafe session.submitData(stream, buffer.framed) else { throw Self.peerTooSlow }
      }
    } catch {
      refuse(error)
      return false
    }
    loop.markDirty(connection)
    return true
  }

  private static var peerTooSlow: RPCError {
    RPCError(
      .resourceExhausted, reason: "PEER_TOO_SLOW", "the peer reads its messages too slowly")
  }

  /// Lets writers go on, in their order, as long as there is room.
  private func sendWaiting() {
    while let waiter = writers.first {
      do {
        if waiter.isWaiting {
          let isSent =
            try isFinishing
            ? submit(waiter.message, waiter.compress) : sendNow(waiter.message, waiter.compress)
          guard isSent else { return }
        }
        writers.removeFirst()
        waiter.end(.success(()))
      } catch {
        writers.removeFirst()
        waiter.end(.failure(error))
      }
    }
    guard isFinishing, role == .client, let connection, let stream else { return }
    connection.session?.submitEnd(stream)
    loop.markDirty(connection)
  }

  private func failWriters(_ error: any Error) {
    let waiting = writers
    writers = []
    for waiter in waiting { waiter.end(.failure(error)) }
  }

  // MARK: The end

  func cancel() {
    onLoop {
      guard let whenCancelled = self.whenCancelled else { return }
      self.whenCancelled = nil
      whenCancelled()
    }
  }

  private func onLoop(_ body: @escaping @Sendable () -> Void) {
    if loop.eventLoop.inEventLoop { body() } else { loop.eventLoop.execute(body) }
  }
}
