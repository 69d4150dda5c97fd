internal import HTTP2
internal import NIOCore
internal import RPCCore
internal import TLS

/// One TCP connection: a channel handler that owns its TLS engine and its HTTP/2 session.
///
/// Both ends share the pumping of bytes and the timers; a subclass answers the session's events.
/// Confined to its event loop.
class Connection: ChannelInboundHandler, HTTP2SessionDelegate {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Where a connection stands.
  enum State: Sendable, Hashable {
    case handshaking
    /// TLS is up, the peer's SETTINGS are not there yet.
    case settling
    case open
    /// Our last byte is written; the peer closes, or the time to linger ends.
    case lingering
    case closed
  }

  let loop: LoopContext
  let limits: RPCLimits
  let engine: TLSEngine
  private(set) var session: HTTP2Session?
  private(set) var state = State.handshaking
  /// True once the connection has been open.
  private(set) var wasOpen = false
  /// Why the connection ended, for logs and for clients' errors.
  private(set) var closeReason: String?
  var isDirty = false
  /// Monotonic time of the current input, in nanoseconds.
  private(set) var now: UInt64
  private var stateSince: UInt64
  /// Asks a silent peer whether it is there; nil when nobody wants to know.
  var keepalive: Keepalive?
  /// When output began to wait for the socket; nil while it flows.
  private var stalledSince: UInt64?
  private var context: ChannelHandlerContext?

  init(loop: LoopContext, limits: RPCLimits, engine: TLSEngine) {
    self.loop = loop
    self.limits = limits
    self.engine = engine
    now = loop.now()
    stateSince = now
  }

  // MARK: For subclasses

  var role: HTTP2Session.Role { .server }
  func handshakeCompleted(_ handshake: TLSHandshake) {}
  func opened() {}
  /// The connection is over; every stream has been reported closed.
  func ended() {}
  /// Called about once a second while the connection is open.
  func checkLimits(now: UInt64) {}
  /// Whether a streaming call may collect a message of so many bytes now; otherwise it is told to
  /// go on when it may.
  func mayCollect(_ bytes: Int, _ stream: HTTP2Stream) -> Bool { true }
  /// A streaming call has given a message to its reader.
  func collected(_ stream: HTTP2Stream) {}
  /// What the session keeps to.
  var sessionLimits: HTTP2Limits { limits.http2 }
  func headersReceived(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock) {}
  func dataReceived(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, in session: HTTP2Session
  ) {}
  func endReceived(_ stream: HTTP2Stream) {}
  func queueDrained(_ stream: HTTP2Stream) {}
  func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {}
  func goAwayReceived(_ goAway: HTTP2GoAway) {}
  func pingReceived() {}
  func pingAcknowledged(_ payload: UInt64) {}

  func settingsReceived() {
    guard state == .settling else { return }
    enter(.open)
    wasOpen = true
    opened()
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    loop.add(self)
    if context.channel.isActive { start() }
  }

  func channelActive(context: ChannelHandlerContext) { start() }

  private func start() {
    guard state == .handshaking, role == .client else { return }
    do {
      try engine.start()
    } catch {
      fail(error.description)
    }
    loop.markDirty(self)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    loop.beginTurn()
    now = loop.now()
    unsafe buffer.withUnsafeReadableBytes { unsafe receive($0) }
  }

  func channelReadComplete(context: ChannelHandlerContext) { loop.endTurn() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return }
    stalledSince = nil
    loop.markDirty(self)
  }

  func channelInactive(context: ChannelHandlerContext) { close("the connection was lost") }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail("the connection broke: \(error)")
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    close("the connection was lost")
    self.context = nil
  }

  // MARK: Bytes in

  private func receive(_ bytes: UnsafeRawBufferPointer) {
    guard state != .lingering, state != .closed else { return }
    loop.markDirty(self)
    do {
      unsafe try engine.receive(bytes) { event in
        switch event {
        case .handshakeCompleted(let handshake): beginSession(handshake)
        case .plaintext(let plaintext): unsafe take(plaintext)
        case .closedByPeer: peerClosed()
        }
        return state == .settling || state == .open
      }
    } catch {
      if state == .handshaking, role == .server, unsafe PlainHTTP.isRequest(bytes), let context {
        let answer = ByteBuffer(string: PlainHTTP.refusal)
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
      }
      fail(error.description)
    }
  }

  private func beginSession(_ handshake: TLSHandshake) {
    do {
      session = try HTTP2Session(
        role: role, limits: sessionLimits, delegate: self, scratch: loop.http2Scratch, now: now)
      enter(.settling)
      handshakeCompleted(handshake)
    } catch {
      fail(error.description)
    }
  }

  private func take(_ plaintext: UnsafeRawBufferPointer) {
    do {
      unsafe try session?.receive(plaintext, now: now)
    } catch {
      fail(error.description)
    }
  }

  private func peerClosed() { fail("the peer closed the connection") }

  // MARK: Bytes out

  /// Writes everything there is to say, as far as the socket takes it.
  func flush() {
    guard let context, state != .closed else { return }
    var isWritable = context.channel.isWritable
    do {
      while isWritable, let session, session.hasOutput {
        let size = unsafe try session.produce(into: loop.plaintext)
        guard size > 0 else { break }
        unsafe try engine.send(UnsafeRawBufferPointer(rebasing: loop.plaintext[..<size]))
        if unsafe size < loop.plaintext.count { break }
        writeOutput(context)
        isWritable = context.channel.isWritable
      }
    } catch let error as HTTP2Error {
      fail(error.description)
    } catch {
      fail("\(error)")
    }
    writeOutput(context)
    if !isWritable, stalledSince == nil { stalledSince = loop.now() }
    if state == .open || state == .settling, let session, session.isFinished || session.isDrained {
      // A failure may have come to light while frames were made: its GOAWAY is still to go.
      fail(session.failure?.description ?? "the HTTP/2 session ended")
    }
  }

  private func writeOutput(_ context: ChannelHandlerContext) {
    guard engine.hasOutput else { return }
    unsafe engine.withOutput { bytes in
      var buffer = context.channel.allocator.buffer(capacity: bytes.count)
      unsafe buffer.writeBytes(bytes)
      context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }
  }

  // MARK: The end

  /// Sends what is left (a GOAWAY, an alert), then ends the connection.
  func fail(_ reason: String) {
    guard state != .closed, state != .lingering else { return }
    if let session, session.failure != nil, let context {
      if let size = unsafe try? session.produce(into: loop.plaintext), size > 0 {
        unsafe try? engine.send(UnsafeRawBufferPointer(rebasing: loop.plaintext[..<size]))
      }
      writeOutput(context)
    }
    finish(reason)
  }

  /// Says goodbye, keeps what is already written going, and waits for the peer to close: closing
  /// with unread input would reset the connection and lose our last bytes.
  private func finish(_ reason: String) {
    guard state != .closed, state != .lingering, let context else { return }
    closeReason = closeReason ?? reason
    enter(.lingering)
    endSession()
    engine.close()
    writeOutput(context)
    context.close(mode: .output, promise: nil)
  }

  /// Ends the connection at once.
  func close(_ reason: String) {
    guard state != .closed else { return }
    closeReason = closeReason ?? reason
    let wasLingering = state == .lingering
    enter(.closed)
    if !wasLingering { endSession() }
    loop.remove(self)
    context?.close(promise: nil)
    loop.scheduleTurn()
  }

  private func endSession() {
    session?.close(.cancel)
    ended()
    session = nil
  }

  private func enter(_ state: State) {
    self.state = state
    stateSince = loop.now()
  }

  // MARK: Limits in time

  /// Checks every limit in time; called once a second.
  func secondPassed(now: UInt64) {
    switch state {
    case .handshaking where isOver(stateSince, limits.handshakeSeconds, now):
      close("the TLS handshake took too long")
    case .settling where isOver(stateSince, limits.prefaceSeconds, now):
      fail("the HTTP/2 preface took too long")
    case .lingering where isOver(stateSince, limits.lingerSeconds, now):
      close("the peer did not close")
    default:
      break
    }
    if let stalledSince, isOver(stalledSince, limits.writeProgressSeconds, now) {
      close("the peer took no bytes for \(limits.writeProgressSeconds) s")
    }
    if let since = session?.receivingHeadersSince, isOver(since, limits.headerSeconds, now) {
      session?.terminate(.enhanceYourCalm)
      loop.markDirty(self)
    }
    if state == .open {
      checkPeer(now: now)
      checkLimits(now: now)
    }
  }

  /// The payload of the PINGs that ask whether the peer is there.
  private static let keepalivePing: UInt64 = 0x6b6f_6e74_6f72_0002

  private func checkPeer(now: UInt64) {
    let hasCalls = session.map { $0.openStreams > 0 } ?? false
    switch keepalive?.check(now: now, lastInput: self.now, hasCalls: hasCalls) {
    case nil, .wait: break
    case .ping:
      session?.ping(Self.keepalivePing)
      loop.markDirty(self)
    case .giveUp:
      close("the peer did not answer a PING within \(limits.keepaliveTimeoutSeconds) s")
    }
  }

  /// True when `since` is at least so many seconds ago.
  func isOver(_ since: UInt64, _ seconds: Int, _ now: UInt64) -> Bool {
    now > since && now - since >= UInt64(clamping: seconds) &* 1_000_000_000
  }
}
