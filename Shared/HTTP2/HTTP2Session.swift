private import CNGHTTP2
internal import Glibc

/// One connection's HTTP/2 without a socket (RFC 9113): plaintext bytes in, delegate calls and
/// plaintext bytes out.
///
/// Framing, HPACK, stream states and HTTP message rules are nghttp2's; limits, flow control, rate
/// limits and the drain are here. Not Sendable: confined to the event loop of its connection.
@safe package final class HTTP2Session {
  /// Which end of the connection this is.
  package enum Role: Sendable, Hashable {
    case server
    case client
  }

  /// How far a server's farewell is (RFC 9113, 6.8).
  enum Drain {
    case none
    /// GOAWAY 2^31-1 and a PING are on their way.
    case announced
    /// GOAWAY with the real last stream is on its way.
    case final
  }

  package let role: Role
  package let limits: HTTP2Limits
  /// Held, so that callbacks need not count it; who ends the connection lets the session go.
  let delegate: any HTTP2SessionDelegate
  private let scratch: HTTP2Scratch
  var session: OpaquePointer?

  /// The header block that is being received.
  private let received = HTTP2HeaderBlock()
  private(set) var streams = HTTP2StreamTable()
  /// The stream that was asked for last, as most callbacks are about the same as the one before.
  private var recent: Unmanaged<HTTP2Stream>?
  /// Streams that are open in any direction.
  package var openStreams: Int { streams.count }
  /// Bytes of DATA queued on all streams.
  package internal(set) var queuedBytes = 0
  /// HEADERS or DATA has been sent since `takeSentMessages` was last asked.
  var hasSentMessages = false
  /// Bytes of DATA sent that have not earned frames without progress yet.
  var sentBytes = 0

  /// What nghttp2 gave out and did not fit into the last room.
  private var pending: UnsafePointer<UInt8>?
  private var pendingSize = 0
  /// The hand-made GOAWAY of a session that failed.
  private var farewell: [UInt8] = []
  /// Set once the session is over by an error.
  package private(set) var failure: HTTP2Error?
  var drain = Drain.none

  /// When the header block that is being received began; nil between blocks.
  package private(set) var receivingHeadersSince: UInt64?
  var now: UInt64
  private var resets: TokenBucket
  private var faults: TokenBucket
  private var idleFrames: TokenBucket
  var clientFrames = ClientFrames()

  /// Debug data of a GOAWAY that we send, at most.
  private static let debugDataBytes = 128

  /// The payload of the PING that separates the two GOAWAY frames of a drain.
  static let drainPing: UInt64 = 0x6b6f_6e74_6f72_0001

  /// Begins a session; its SETTINGS are then in the output.
  ///
  /// - Parameters:
  ///   - delegate: is held; one that holds the session too has to let it go in the end.
  ///   - now: monotonic time in nanoseconds.
  package init(
    role: Role, limits: HTTP2Limits, delegate: any HTTP2SessionDelegate, scratch: HTTP2Scratch,
    now: UInt64
  ) throws(HTTP2Error) {
    self.role = role
    self.limits = limits
    self.delegate = delegate
    self.scratch = scratch
    self.now = now
    resets = TokenBucket(
      capacity: limits.resetBurstFrames, perSecond: limits.resetFramesPerSecond, now: now)
    faults = TokenBucket(
      capacity: limits.faultBurstFrames, perSecond: limits.faultFramesPerSecond, now: now)
    idleFrames = TokenBucket(
      capacity: limits.idleBurstFrames, perSecond: limits.idleFramesPerSecond, now: now)
    try begin()
  }

  deinit {
    if let session = unsafe session { unsafe nghttp2_session_del(session) }
  }

  private func begin() throws(HTTP2Error) {
    var option: OpaquePointer?
    guard unsafe nghttp2_option_new(&option) == 0, let option = unsafe option,
      let callbacks = unsafe HTTP2Callbacks.shared.pointer
    else { throw HTTP2Error(.internalError, "no memory for an HTTP/2 session") }
    defer { unsafe nghttp2_option_del(option) }
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    unsafe nghttp2_option_set_no_closed_streams(option, 1)
    unsafe nghttp2_option_set_max_outbound_ack(option, limits.maximumQueuedAcknowledgements)
    unsafe nghttp2_option_set_max_settings(option, limits.maximumSettingsEntries)
    let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
    let made = unsafe scratch.memory.withFunctions { memory in
      let memory = unsafe memory.assumingMemoryBound(to: nghttp2_mem.self)
      return switch role {
      case .server: unsafe nghttp2_session_server_new3(&session, callbacks, owner, option, memory)
      case .client: unsafe nghttp2_session_client_new3(&session, callbacks, owner, option, memory)
      }
    }
    guard made == 0, let session = unsafe session else {
      throw HTTP2Error(.internalError, "no memory for an HTTP/2 session")
    }
    var settings = [
      entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(clamping: limits.streamWindowBytes)),
      entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(clamping: limits.maximumHeaderListBytes)),
      entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
    ]
    switch role {
    case .server:
      settings.append(
        entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.maximumConcurrentStreams))
    case .client:
      settings.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
    }
    unsafe nghttp2_submit_settings(session, 0, settings, settings.count)
    unsafe nghttp2_session_set_local_window_size(session, 0, 0, limits.connectionWindowBytes)
  }

  private func entry(_ id: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
    nghttp2_settings_entry(settings_id: Int32(truncatingIfNeeded: id.rawValue), value: value)
  }

  // MARK: Bytes out

  /// True when there is something to send.
  package var hasOutput: Bool {
    guard let session = unsafe session else { return false }
    if failure != nil { return !farewell.isEmpty }
    return unsafe pendingSize > 0 || nghttp2_session_want_write(session) != 0
  }

  /// Fills `room` with frames; returns the bytes written, fewer than the room when nothing is left.
  ///
  /// - Throws: when the session is over; a GOAWAY may then be in the output.
  package func produce(into room: UnsafeMutableRawBufferPointer) throws(HTTP2Error) -> Int {
    guard let session = unsafe session, let start = room.baseAddress else { return 0 }
    if failure != nil { return unsafe takeFarewell(start, room.count) }
    var size = 0
    while size < room.count {
      if pendingSize == 0 {
        let result = unsafe nghttp2_session_mem_send(session, &pending)
        if result < 0 {
          pendingSize = 0
          let error = fail(result)
          if size == 0 { throw error }
          return size
        }
        if result == 0 { break }
        pendingSize = result
      }
      guard let source = unsafe pending else { break }
      let count = min(pendingSize, room.count - size)
      unsafe memcpy(start + size, source, count)
      unsafe pending = unsafe source + count
      pendingSize -= count
      size += count
    }
    return size
  }

  private func takeFarewell(_ start: UnsafeMutableRawPointer, _ limit: Int) -> Int {
    guard limit >= farewell.count, !farewell.isEmpty else { return 0 }
    let size = farewell.count
    unsafe farewell.withUnsafeBytes { bytes in
      if let source = bytes.baseAddress { unsafe memcpy(start, source, size) }
    }
    farewell = []
    return size
  }

  /// True when neither side has anything more to say.
  package var isFinished: Bool {
    guard let session = unsafe session, failure == nil else { return true }
    return unsafe pendingSize == 0 && nghttp2_session_want_read(session) == 0
      && nghttp2_session_want_write(session) == 0
  }

  func fail(_ result: Int) -> HTTP2Error {
    let error =
      failure
      ?? {
        let code = Int32(truncatingIfNeeded: result)
        let text = unsafe String(cString: nghttp2_strerror(code))
        switch code {
        case Int32(NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue):
          return HTTP2Error(.protocolError, "no HTTP/2 preface")
        case Int32(NGHTTP2_ERR_FLOODED.rawValue):
          return HTTP2Error(.enhanceYourCalm, "frames without progress: \(text)")
        case Int32(NGHTTP2_ERR_NOMEM.rawValue):
          return HTTP2Error(.internalError, text)
        default:
          return HTTP2Error(.protocolError, text)
        }
      }()
    end(error)
    return error
  }

  /// Marks the session as over and makes its GOAWAY.
  func end(_ error: HTTP2Error) {
    guard failure == nil || farewell.isEmpty else { return }
    failure = error
    let last = unsafe session.map { unsafe nghttp2_session_get_last_proc_stream_id($0) } ?? 0
    let debugData = error.description.utf8.prefix(Self.debugDataBytes)
    var frame: [UInt8] = [0, 0, UInt8(8 + debugData.count), 7, 0, 0, 0, 0, 0]
    for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: last >> shift)) }
    for shift in [24, 16, 8, 0] {
      frame.append(UInt8(truncatingIfNeeded: error.code.rawValue >> UInt32(shift)))
    }
    farewell = frame + debugData
  }

  // MARK: Commands

  /// The open stream of an id, or nil.
  package func stream(_ id: Int32) -> HTTP2Stream? {
    unsafe find(id)?.takeUnretainedValue()
  }

  /// Lends the open stream of an id, which `body` must not close, without counting it; false when
  /// there is none.
  @discardableResult
  package func withStream(_ id: Int32, _ body: (HTTP2Stream) -> Void) -> Bool {
    guard let stream = unsafe find(id) else { return false }
    unsafe stream._withUnsafeGuaranteedRef(body)
    return true
  }

  private func find(_ id: Int32) -> Unmanaged<HTTP2Stream>? {
    if let recent = unsafe recent, unsafe recent._withUnsafeGuaranteedRef({ $0.id == id }) {
      return unsafe recent
    }
    guard let session = unsafe session,
      let data = unsafe nghttp2_session_get_stream_user_data(session, id)
    else { return nil }
    let stream = unsafe Unmanaged<HTTP2Stream>.fromOpaque(data)
    unsafe recent = unsafe stream
    return unsafe stream
  }

  /// Gives received bytes back to the windows of the stream and the connection.
  package func consume(_ stream: HTTP2Stream, _ count: Int) {
    guard let session = unsafe session, failure == nil, count > 0, count <= stream.unconsumedBytes
    else { return }
    stream.unconsumedBytes -= count
    unsafe nghttp2_session_consume(session, stream.id, count)
  }

  /// How many streams the peer lets us have at once.
  package var peerMaximumConcurrentStreams: Int {
    guard let session = unsafe session else { return 0 }
    return unsafe Int(
      nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
  }

  /// Closes every stream: the connection is gone. `streamClosed` reports each with `code`.
  package func close(_ code: HTTP2ErrorCode) {
    guard let session = unsafe session else { return }
    unsafe self.session = nil
    unsafe recent = nil
    unsafe pending = nil
    pendingSize = 0
    streams.forEach { stream in
      guard role == .client else { return }
      // nghttp2 has a stream from its HEADERS frame on.
      stream.wasNeverSent = unsafe nghttp2_session_find_stream(session, stream.id) == nil
    }
    unsafe nghttp2_session_del(session)
    streams.forEach { stream in
      delegate.streamClosed(stream, code)
      release(stream)
    }
  }

  // MARK: Streams

  /// Puts a stream into the table, which holds it.
  func adopt(id: Int32) -> Unmanaged<HTTP2Stream> {
    let stream = scratch.takeStream()
    stream.id = id
    let adopted = unsafe Unmanaged.passUnretained(stream)
    streams.add(stream)
    return unsafe adopted
  }

  func release(_ stream: HTTP2Stream) {
    queuedBytes -= stream.queue.count
    unsafe recent = nil
    scratch.give(streams.remove(at: stream.slot))
  }

  func resume(_ stream: HTTP2Stream) {
    guard let session = unsafe session, stream.isDeferred else { return }
    stream.isDeferred = false
    unsafe nghttp2_session_resume_data(session, stream.id)
  }

  // MARK: What nghttp2 reports

  func headersBegan(_ id: Int32, isRequest: Bool) {
    received.removeAll()
    receivingHeadersSince = now
    guard isRequest, let session = unsafe session else { return }
    let stream = unsafe adopt(id: id)
    unsafe recent = unsafe stream
    unsafe nghttp2_session_set_stream_user_data(session, id, stream.toOpaque())
  }

  func headerReceived(
    _ name: UnsafePointer<UInt8>?, _ nameSize: Int, _ value: UnsafePointer<UInt8>?,
    _ valueSize: Int
  ) -> Int32 {
    let size = received.listBytes + nameSize + valueSize + 32
    if size > limits.fatalHeaderListBytes {
      return stop(
        HTTP2Error(
          .enhanceYourCalm, "a header list of more than \(limits.fatalHeaderListBytes) bytes"))
    }
    if size > limits.maximumHeaderListBytes || received.count >= limits.maximumHeaderFields {
      received.isOversized = true
      received.countOnly(nameSize, valueSize)
    } else {
      unsafe received.append(name, nameSize, value, valueSize)
    }
    return 0
  }

  func dataReceived(_ id: Int32, _ bytes: UnsafeRawBufferPointer) {
    let isOpen = withStream(id) { stream in
      stream.unconsumedBytes += bytes.count
      unsafe delegate.dataReceived(stream, bytes, in: self)
    }
    guard !isOpen, let session = unsafe session else { return }
    unsafe nghttp2_session_consume_connection(session, bytes.count)
  }

  func frameReceived(_ frame: ReceivedFrame) -> Int32 {
    receivingHeadersSince = nil
    switch frame.kind {
    case .data:
      if frame.payloadSize > 0 {
        idleFrames.give(limits.idleFramesPerProgress)
      } else if !frame.endsStream {
        return idleFrame()
      }
      if frame.endsStream { endReceived(frame.streamID) }
    case .headers:
      idleFrames.give(limits.idleFramesPerProgress)
      withStream(frame.streamID) { delegate.headersReceived($0, received) }
      if frame.endsStream { endReceived(frame.streamID) }
    case .reset:
      guard role == .server, !resets.take(now: now) else { return 0 }
      return stop(HTTP2Error(.enhanceYourCalm, "too many RST_STREAM frames"))
    case .settings:
      guard !frame.isAcknowledgement else { return 0 }
      delegate.settingsReceived()
      return idleFrame()
    case .ping(let payload):
      guard frame.isAcknowledgement else {
        delegate.pingReceived()
        return failure == nil ? idleFrame() : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
      }
      if payload == Self.drainPing, drain == .announced {
        finishDrain()
      } else {
        delegate.pingAcknowledged(payload)
      }
    case .goAway(let goAway):
      delegate.goAwayReceived(goAway)
    case .windowUpdate:
      return idleFrame()
    case .other:
      break
    }
    return 0
  }

  private func endReceived(_ id: Int32) {
    withStream(id) { stream in
      stream.hasReceivedEnd = true
      delegate.endReceived(stream)
    }
  }

  func idleFrame() -> Int32 {
    guard role == .server else { return 0 }
    // What the peer takes of our data is progress too: a reader of a long stream sends nothing
    // but WINDOW_UPDATE.
    idleFrames.give(min(sentBytes / limits.sentBytesPerIdleFrame, limits.idleBurstFrames))
    sentBytes %= limits.sentBytesPerIdleFrame
    guard !idleFrames.take(now: now) else { return 0 }
    return stop(HTTP2Error(.enhanceYourCalm, "too many frames without progress"))
  }

  /// Counts an invalid frame or a reset that the peer made us send.
  func fault() -> Int32 {
    receivingHeadersSince = nil
    guard !faults.take(now: now) else { return 0 }
    return stop(HTTP2Error(.enhanceYourCalm, "too many invalid frames"))
  }

  /// HEADERS or DATA is sent. At our side's end a client that still sends may stop (RFC 9113,
  /// 8.1): its stream is reset, but not before the whole answer is out.
  func messageSent(_ id: Int32, isEnd: Bool) {
    hasSentMessages = true
    guard isEnd, role == .server else { return }
    withStream(id) { stream in
      guard !stream.hasReceivedEnd, let session = unsafe session else { return }
      unsafe nghttp2_submit_rst_stream(session, 0, id, HTTP2ErrorCode.noError.rawValue)
    }
  }

  func resetSent(_ code: UInt32) -> Int32 {
    switch HTTP2ErrorCode(rawValue: code) {
    case .noError, .cancel: 0
    default: fault()
    }
  }

  func streamClosed(_ id: Int32, _ code: UInt32) {
    guard let session = unsafe session else { return }
    withStream(id) { stream in
      if stream.unconsumedBytes > 0 {
        unsafe nghttp2_session_consume_connection(session, stream.unconsumedBytes)
      }
      unsafe nghttp2_session_set_stream_user_data(session, id, nil)
      unsafe recent = nil
      delegate.streamClosed(stream, HTTP2ErrorCode(rawValue: code))
      // The last thing: nobody but the pool may hold the stream then.
      release(stream)
    }
  }

  /// A request whose HEADERS were not made.
  ///
  /// - Parameter error: nghttp2's.
  func requestNotSent(_ id: Int32, _ error: Int32) {
    // Whatever else keeps it back would keep it back on another connection too.
    let isSessionOver =
      error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED.rawValue
      || error == NGHTTP2_ERR_SESSION_CLOSING.rawValue
    streams.forEach { stream in
      guard stream.id == id else { return }
      stream.wasNeverSent = isSessionOver
      // nghttp2 closes those that it has as streams already.
      guard self.stream(id) == nil else { return }
      delegate.streamClosed(stream, .refusedStream)
      release(stream)
    }
  }

  func stop(_ error: HTTP2Error) -> Int32 {
    if failure == nil { end(error) }
    return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
  }
}
