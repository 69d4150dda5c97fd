import HTTP2
import TestSupport

extension FuzzTarget {
  /// What a client sends to the HTTP/2 session of a server, behind the preface.
  static let http2Server = FuzzTarget(
    name: "http2-server", maximumBytes: 4096, seeds: { HTTP2Seeds.server },
    run: { try HTTP2Run.run(.server, $0) })

  /// What a server sends to the HTTP/2 session of a client with four calls.
  static let http2Client = FuzzTarget(
    name: "http2-client", maximumBytes: 4096, seeds: { HTTP2Seeds.client },
    run: { try HTTP2Run.run(.client, $0) })
}

/// One session with an input: byte 0 chooses how it is cut, byte 1 how the session is driven.
private struct HTTP2Run {
  static func run(_ role: HTTP2Session.Role, _ bytes: UnsafeRawBufferPointer) throws {
    var input = FuzzInput(bytes)
    let cut = input.byte()
    let mode = input.byte()
    guard mode & 1 == 0 else {
      // Output between the pieces, as on a connection.
      let small = mode & 2 != 0
      let run = try HTTP2Run(role, input.rest, cut: cut, producing: true, smallLimits: small)
      return try run.checkEnd(inputBytes: bytes.count)
    }
    // However the bytes are cut, the same happens.
    let whole = try HTTP2Run(role, input.rest, cut: 0, producing: false)
    let parts = try HTTP2Run(role, input.rest, cut: max(cut, 1), producing: false)
    // nghttp2 counts each piece of a CONTINUATION frame's header as a frame, of which it takes
    // eight.
    guard parts.session.failure?.description.contains("CONTINUATION") != true else { return }
    try check(
      whole.log.comparableEvents == parts.log.comparableEvents,
      "cut bytes give other events:\n\(whole.log.events)\n\(parts.log.events)")
    try check(
      whole.session.failure == parts.session.failure,
      "cut bytes end otherwise: \(whole.session.failure as Any), \(parts.session.failure as Any)")
    try whole.checkEnd(inputBytes: bytes.count)
    try parts.checkEnd(inputBytes: bytes.count)
  }

  let log: SessionLog
  let session: HTTP2Session
  private let role: HTTP2Session.Role
  private var output: [UInt8] = []

  private init(
    _ role: HTTP2Session.Role, _ bytes: UnsafeRawBufferPointer, cut: UInt8, producing: Bool,
    smallLimits: Bool = false
  ) throws {
    var limits = HTTP2Limits()
    if smallLimits {
      limits.maximumConcurrentStreams = 4
      limits.maximumHeaderListBytes = 300
      limits.fatalHeaderListBytes = 1200
      limits.maximumHeaderFields = 10
      limits.streamWindowBytes = 300
      limits.maximumQueuedBytes = 500
      limits.resetBurstFrames = 8
      limits.faultBurstFrames = 8
      limits.idleBurstFrames = 20
      limits.maximumQueuedAcknowledgements = 10
    }
    self.role = role
    log = SessionLog(role: role)
    session = try HTTP2Session(
      role: role, limits: limits, delegate: log, scratch: HTTP2Scratch(), now: 0)
    log.session = session
    if role == .client { log.submitCalls() }
    let opening =
      (role == .server ? HTTP2Frames.preface : []) + HTTP2Frames.settings
    opening.withUnsafeBytes { try? session.receive($0, now: 0) }
    if producing || role == .client { try produce() }
    try pieces(bytes, cut: cut) { piece in
      try? session.receive(piece, now: 0)
      if producing { try produce() }
    }
    log.releaseHeldBytes()
    try produce()
  }

  private mutating func produce() throws {
    var room = [UInt8](repeating: 0, count: 1000)
    while session.hasOutput {
      let size = room.withUnsafeMutableBytes { (try? session.produce(into: $0)) ?? 0 }
      guard size > 0 else { break }
      output += room[..<size]
    }
  }

  /// What has to hold at the end, whatever came.
  func checkEnd(inputBytes: Int) throws(Violation) {
    try HTTP2Frames.checkOutput(output, afterPreface: role == .client)
    // A frame of nine bytes can make us answer a call, reset it and say what is wrong.
    let most = 4096 + 64 * inputBytes + log.submittedBytes
    try check(output.count <= most, "\(output.count) bytes out for \(inputBytes) in")
    try log.checkBooks()
    session.close(.cancel)
    try check(session.openStreams == 0, "\(session.openStreams) streams are open after the end")
    try check(session.queuedBytes == 0, "\(session.queuedBytes) bytes are queued after the end")
    try check(!session.hasOutput && session.isFinished, "a closed session has something to say")
    try log.checkClosed()
  }
}

/// Writes down what a session reports, keeps its books, and answers.
private final class SessionLog: HTTP2SessionDelegate {
  enum Event: Equatable {
    case headers(Int32, [UInt8], isOversized: Bool)
    case data(Int32, [UInt8])
    case end(Int32)
    case closed(Int32, HTTP2ErrorCode)
    case settings
    case goAway(Int32, HTTP2ErrorCode)
    case ping(UInt64)
    case pingReceived
  }

  private(set) var events: [Event] = []

  /// The events without those of the connection that follow a GOAWAY: once it has closed the last
  /// stream, nghttp2 reads to the end of the piece, and no further.
  var comparableEvents: [Event] {
    var isLeaving = false
    return events.filter { event in
      switch event {
      case .goAway:
        defer { isLeaving = true }
        return !isLeaving
      case .settings, .ping, .pingReceived: return !isLeaving
      default: return true
      }
    }
  }
  weak var session: HTTP2Session?
  private(set) var submittedBytes = 0
  private let role: HTTP2Session.Role
  /// Streams that were reported and not closed, and their bytes that are neither consumed nor held.
  private var open: [Int32: (unconsumed: Int, held: Int)] = [:]
  private var violation: Violation?

  init(role: HTTP2Session.Role) { self.role = role }

  func submitCalls() {
    for index in 0..<4 {
      let headers = block(HTTP2Frames.request("/a/\(index)"))
      guard let stream = session?.submitRequest(headers, endStream: index == 0) else { continue }
      open[stream.id] = (0, 0)
      if index > 0 { submit(stream, endStream: index < 3) }
    }
  }

  func headersReceived(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock) {
    noteIsOpen(stream)
    var bytes: [UInt8] = []
    for index in 0..<headers.count {
      bytes += Array(headers.name(index)) + [0] + Array(headers.value(index)) + [10]
    }
    events.append(.headers(stream.id, bytes, isOversized: headers.isOversized))
    guard role == .server, let session else { return }
    switch stream.id / 2 % 5 {
    case 1:
      session.submitHeaders(stream, block([(":status", "200")]), endStream: false)
      submit(stream, endStream: false)
      session.submitTrailers(stream, block([("grpc-status", "0")]))
    case 2: session.reset(stream, .refusedStream)
    case 3: session.submitHeaders(stream, block([(":status", "415")]), endStream: true)
    default: break
    }
  }

  func dataReceived(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, in session: HTTP2Session
  ) {
    noteIsOpen(stream)
    if case .data(stream.id, let earlier) = events.last {
      events[events.count - 1] = .data(stream.id, earlier + bytes)
    } else {
      events.append(.data(stream.id, Array(bytes)))
    }
    let kept = stream.id / 2 % 3
    if kept == 0 {
      session.consume(stream, bytes.count)
    } else if kept == 1 {
      session.hold(stream, bytes.count)
      open[stream.id, default: (0, 0)].held += bytes.count
    } else {
      open[stream.id, default: (0, 0)].unconsumed += bytes.count
    }
  }

  func endReceived(_ stream: HTTP2Stream) {
    noteIsOpen(stream)
    events.append(.end(stream.id))
    guard role == .server, stream.id / 2 % 5 == 0, let session else { return }
    session.submitHeaders(stream, block([(":status", "200")]), endStream: false)
    submit(stream, endStream: false)
    session.submitTrailers(stream, block([("grpc-status", "0")]))
  }

  func queueDrained(_ stream: HTTP2Stream) {}

  func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    noteIsOpen(stream)
    open[stream.id] = nil
    events.append(.closed(stream.id, code))
  }

  func settingsReceived() { events.append(.settings) }
  func goAwayReceived(_ goAway: HTTP2GoAway) {
    events.append(.goAway(goAway.lastStreamID, goAway.code))
  }
  func pingReceived() { events.append(.pingReceived) }
  func pingAcknowledged(_ payload: UInt64) { events.append(.ping(payload)) }

  private func noteIsOpen(_ stream: HTTP2Stream) {
    if open[stream.id] == nil {
      // A server's stream begins with its headers, or with the reset of headers that are wrong.
      if role == .client || closedIDs.contains(stream.id) {
        violation = Violation(description: "an event of stream \(stream.id), which is over")
      }
      open[stream.id] = (0, 0)
    }
  }

  private var closedIDs: [Int32] {
    events.compactMap { if case .closed(let id, _) = $0 { id } else { nil } }
  }

  /// A reader takes all that was held back for it.
  func releaseHeldBytes() {
    guard let session else { return }
    for (id, books) in open where books.held > 0 {
      guard let stream = session.stream(id) else { continue }
      session.releaseHeld(stream, books.held)
      if session.failure == nil { open[id]?.held = 0 }
    }
  }

  /// The session's books of bytes in windows are ours.
  func checkBooks() throws(Violation) {
    if let violation { throw violation }
    guard let session, session.failure == nil else { return }
    for (id, books) in open {
      guard let stream = session.stream(id) else { continue }
      try check(
        stream.unconsumedBytes == books.unconsumed && stream.heldBytes == books.held,
        "stream \(id) has \(stream.unconsumedBytes) bytes unconsumed and \(stream.heldBytes) held; "
          + "expected \(books)")
    }
  }

  /// Every stream was reported closed, once.
  func checkClosed() throws(Violation) {
    if let violation { throw violation }
    try check(open.isEmpty, "streams \(open.keys.sorted()) were not reported closed")
    let ids = closedIDs
    try check(Set(ids).count == ids.count, "a stream was reported closed twice: \(ids)")
  }

  private func submit(_ stream: HTTP2Stream, endStream: Bool) {
    let body = [UInt8](repeating: 0x61, count: 200)
    submittedBytes += body.count
    body.withUnsafeBytes { _ = session?.submitData(stream, $0, endStream: endStream) }
  }

  private func block(_ fields: [(String, String)]) -> HTTP2HeaderBlock {
    let block = HTTP2HeaderBlock()
    for (name, value) in fields { block.append(name, value) }
    return block
  }
}

/// What well-behaved peers send, and some that are not.
enum HTTP2Seeds {
  private static let call = HTTP2Frames.request("/a/b", adding: [("x-a", "1"), ("x-b-bin", "AAE")])

  static var server: [[UInt8]] {
    let frames = HTTP2Frames.self
    let body = frames.message([1, 2, 3])
    let bodies: [[UInt8]] = [
      frames.headers(1, call) + frames.data(1, body, end: true),
      frames.headers(1, call, end: true) + frames.headers(3, call) + frames.data(3, body),
      frames.headers(9, call) + frames.data(9, body) + frames.headers(9, [("x", "y")], end: true),
      frames.headers(1, call) + frames.reset(1, 8) + frames.headers(3, call, end: true),
      frames.settingsAcknowledgement + frames.ping + frames.windowUpdate(0, 100),
      frames.frame(4, 0, 0, [0, 4, 0, 0, 0, 10, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]),
      frames.headers(1, call) + frames.windowUpdate(1, 0x7FFF_FFFF) + frames.goAway(0, 0),
      frames.frame(1, 0, 1, frames.literals(Array(call.prefix(3))))
        + frames.frame(9, 4, 1, frames.literals(Array(call.dropFirst(3)))),
      frames.frame(1, 0x2C, 1, [2, 0, 0, 0, 0, 9] + frames.literals(call) + [0, 0])
        + frames.frame(0, 9, 1, [3] + body + [0, 0, 0]) + frames.frame(2, 0, 1, [0, 0, 0, 0, 1]),
      frames.frame(1, 5, 1, [0x82, 0x87, 0x84, 0x41, 0x83, 0xA8, 0xB8, 0x00, 0x3F, 0xE1, 0x1F]),
      frames.headers(1, call) + frames.reset(1, 8) + frames.data(1, body),
      frames.headers(5, call, end: true) + frames.headers(3, call, end: true),
      frames.headers(1, call) + frames.frame(2, 0, 3, [0, 0, 0, 3, 1]),
    ]
    return bodies.enumerated().map { [UInt8($0.offset), UInt8($0.offset % 4)] + $0.element }
  }

  static var client: [[UInt8]] {
    let frames = HTTP2Frames.self
    let head = [(":status", "200"), ("content-type", "application/grpc")]
    let body = frames.message([1, 2, 3])
    let end = [("grpc-status", "0")]
    let bodies: [[UInt8]] = [
      frames.headers(1, head) + frames.data(1, body) + frames.headers(1, end, end: true),
      frames.headers(3, head + end, end: true) + frames.headers(5, [(":status", "100")])
        + frames.headers(5, head),
      frames.reset(7, 7) + frames.goAway(3, 0) + frames.ping,
      frames.frame(5, 4, 1, [0, 0, 0, 2] + frames.literals(call)),
      frames.frame(4, 0, 0, [0, 3, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0]) + frames.windowUpdate(3, 9),
    ]
    return bodies.enumerated().map { [UInt8($0.offset), UInt8($0.offset % 4)] + $0.element }
  }
}
