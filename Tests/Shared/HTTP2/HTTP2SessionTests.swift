import Testing

@testable import HTTP2

/// Writes down what a session reports, and gives windows back unless told not to.
final class Recorder: HTTP2SessionDelegate {
  struct Stream: Equatable {
    var blocks: [[String]] = []
    var data: [UInt8] = []
    var isEnded = false
    var closeCode: HTTP2ErrorCode?
    var isOversized = false
  }

  var streams: [Int32: Stream] = [:]
  var order: [Int32] = []
  var settings = 0
  var goAways: [HTTP2GoAway] = []
  var pingsReceived = 0
  var pings: [UInt64] = []
  var drained = 0
  var neverSent: [Int32] = []
  var consumes = true
  /// Answers requests as soon as they have ended.
  var onEnd: ((HTTP2Stream) -> Void)?

  func headersReceived(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock) {
    if streams[stream.id] == nil { order.append(stream.id) }
    let block = (0..<headers.count).map {
      String(decoding: headers.name($0), as: UTF8.self) + "="
        + String(decoding: headers.value($0), as: UTF8.self)
    }
    streams[stream.id, default: Stream()].blocks.append(block)
    streams[stream.id]?.isOversized = headers.isOversized
  }
  func dataReceived(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, in session: HTTP2Session
  ) {
    streams[stream.id, default: Stream()].data += bytes
    if consumes { session.consume(stream, bytes.count) }
  }
  func endReceived(_ stream: HTTP2Stream) {
    streams[stream.id, default: Stream()].isEnded = true
    onEnd?(stream)
  }
  func queueDrained(_ stream: HTTP2Stream) { drained += 1 }
  func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    if stream.wasNeverSent { neverSent.append(stream.id) }
    streams[stream.id, default: Stream()].closeCode = code
  }
  func settingsReceived() { settings += 1 }
  func goAwayReceived(_ goAway: HTTP2GoAway) { goAways.append(goAway) }
  func pingReceived() { pingsReceived += 1 }
  func pingAcknowledged(_ payload: UInt64) { pings.append(payload) }
}

/// A client and a server session back to back.
final class SessionPair {
  let clientRecorder = Recorder()
  let serverRecorder = Recorder()
  let client: HTTP2Session
  let server: HTTP2Session
  var clientError: HTTP2Error?
  var serverError: HTTP2Error?

  init(client clientLimits: HTTP2Limits = HTTP2Limits(), server limits: HTTP2Limits = HTTP2Limits())
    throws
  {
    client = try HTTP2Session(
      role: .client, limits: clientLimits, delegate: clientRecorder, scratch: HTTP2Scratch(),
      now: 0)
    server = try HTTP2Session(
      role: .server, limits: limits, delegate: serverRecorder, scratch: HTTP2Scratch(), now: 0)
  }

  static func output(_ session: HTTP2Session, room: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: room)
    while session.hasOutput {
      let size = buffer.withUnsafeMutableBytes { (try? session.produce(into: $0)) ?? 0 }
      if size == 0 { break }
      bytes += buffer[..<size]
    }
    return bytes
  }

  func run(piece: Int = 70_000, room: Int = 70_000) {
    var isMoving = true
    while isMoving {
      let up = Self.output(client, room: room)
      give(up, to: server, piece) { serverError = $0 }
      let down = Self.output(server, room: room)
      give(down, to: client, piece) { clientError = $0 }
      isMoving = !up.isEmpty || !down.isEmpty
    }
  }

  func give(
    _ bytes: [UInt8], to session: HTTP2Session, _ piece: Int = .max, _ failed: (HTTP2Error) -> Void
  ) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = Array(rest.prefix(piece))
      let error = part.withUnsafeBytes { bytes -> HTTP2Error? in
        do throws(HTTP2Error) {
          try session.receive(bytes, now: 0)
          return nil
        } catch { return error }
      }
      if let error { failed(error) }
      rest = rest.dropFirst(piece)
    }
  }

  func toServer(_ bytes: [UInt8]) { give(bytes, to: server) { serverError = $0 } }

  static func block(_ fields: [(String, String)]) -> HTTP2HeaderBlock {
    let block = HTTP2HeaderBlock()
    for (name, value) in fields { block.append(name, value) }
    return block
  }

  static let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
  static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
  static let windowUpdate: [UInt8] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]

  static let requestFields: [(String, String)] = [
    (":method", "POST"), (":scheme", "https"), (":path", "/a"), (":authority", "b"),
  ]

  /// Starts a request; returns its stream's id.
  @discardableResult
  func request(
    _ body: [UInt8]?, adding: [(String, String)] = [], end: Bool = true
  ) throws -> Int32 {
    let stream = try #require(
      client.submitRequest(Self.block(Self.requestFields + adding), endStream: body == nil && end))
    if let body { body.withUnsafeBytes { _ = client.submitData(stream, $0, endStream: end) } }
    return stream.id
  }

  func answer(_ stream: HTTP2Stream, _ body: [UInt8]) {
    server.submitHeaders(stream, Self.block([(":status", "200")]), endStream: false)
    body.withUnsafeBytes { _ = server.submitData(stream, $0) }
    server.submitTrailers(stream, Self.block([("grpc-status", "0")]))
  }
}

@Suite struct HTTP2SessionTests {
  @Test(
    "A request and its answer pass, however they are cut", arguments: [1, 9, 70_000], [100, 70_000])
  func passes(piece: Int, room: Int) throws {
    let pair = try SessionPair()
    let body = (0..<50_000).map { UInt8(truncatingIfNeeded: $0) }
    pair.serverRecorder.onEnd = { [unowned pair] in pair.answer($0, body.reversed()) }
    let id = try pair.request(body, adding: [("a", "1"), ("a", "2"), ("b-bin", "")])
    pair.run(piece: piece, room: room)
    let received = try #require(pair.serverRecorder.streams[id])
    #expect(
      received.blocks == [
        [":method=POST", ":scheme=https", ":path=/a", ":authority=b", "a=1", "a=2", "b-bin="]
      ])
    #expect(received.data == body && received.isEnded && received.closeCode == .noError)
    let answer = try #require(pair.clientRecorder.streams[id])
    #expect(answer.blocks == [[":status=200"], ["grpc-status=0"]])
    #expect(answer.data == body.reversed() && answer.isEnded && answer.closeCode == .noError)
    #expect(pair.server.openStreams == 0 && pair.client.openStreams == 0)
    #expect(pair.server.queuedBytes == 0)
    #expect(pair.clientRecorder.settings == 1 && pair.serverRecorder.settings == 1)
  }

  @Test("Data stops at the window and goes on when it is consumed")
  func window() throws {
    var limits = HTTP2Limits()
    limits.streamWindowBytes = 70_000
    let pair = try SessionPair(server: limits)
    pair.run()
    pair.serverRecorder.consumes = false
    let id = try pair.request([UInt8](repeating: 1, count: 100_000))
    pair.run()
    #expect(pair.serverRecorder.streams[id]?.data.count == 70_000)
    #expect(pair.client.queuedBytes == 30_000)
    let stream = try #require(pair.server.stream(id))
    #expect(stream.unconsumedBytes == 70_000)
    pair.server.consume(stream, 70_000)
    pair.run()
    #expect(pair.serverRecorder.streams[id]?.data.count == 100_000)
    #expect(pair.client.queuedBytes == 0)
  }

  @Test("Bytes of a stream that closed come back to the connection's window")
  func closedWindow() throws {
    var limits = HTTP2Limits()
    limits.connectionWindowBytes = 100_000
    limits.streamWindowBytes = 100_000
    let pair = try SessionPair(server: limits)
    pair.run()
    pair.serverRecorder.consumes = false
    for _ in 0..<10 {
      let id = try pair.request([UInt8](repeating: 1, count: 60_000), end: false)
      pair.run()
      #expect(pair.serverRecorder.streams[id]?.data.count == 60_000)
      let stream = try #require(pair.server.stream(id))
      pair.server.reset(stream, .cancel)
      pair.run()
    }
  }

  @Test("A stream waits for data that comes later, in order with its trailers")
  func streaming() throws {
    let pair = try SessionPair()
    let id = try pair.request([1], end: false)
    pair.run()
    let server = try #require(pair.server.stream(id))
    pair.server.submitHeaders(
      server, SessionPair.block([(":status", "200")]), endStream: false)
    pair.run()
    for byte in UInt8(2)..<6 {
      [byte].withUnsafeBytes { _ = pair.server.submitData(server, $0) }
      pair.run()
      #expect(pair.clientRecorder.streams[id]?.data.last == byte)
    }
    #expect(pair.serverRecorder.drained == 4)
    pair.server.submitTrailers(server, SessionPair.block([("grpc-status", "0")]))
    #expect(![9].withUnsafeBytes { pair.server.submitData(server, $0) })
    pair.run()
    let answer = try #require(pair.clientRecorder.streams[id])
    #expect(answer.blocks == [[":status=200"], ["grpc-status=0"]])
    #expect(answer.data == [2, 3, 4, 5])
    // The client was still sending: the whole answer came before the reset.
    #expect(answer.isEnded && answer.closeCode == .noError)
  }

  @Test("A server refuses streams beyond its limit")
  func streams() throws {
    var limits = HTTP2Limits()
    limits.maximumConcurrentStreams = 3
    let pair = try SessionPair(server: limits)
    for _ in 0..<5 { try pair.request([1], end: false) }
    pair.run()
    #expect(pair.server.openStreams == 3)
    #expect(pair.client.peerMaximumConcurrentStreams == 3)
  }

  @Test("A header list beyond the limit is reported as oversized")
  func oversized() throws {
    let pair = try SessionPair()
    let id = try pair.request(nil, adding: [("x", String(repeating: "y", count: 17_000))])
    pair.run()
    #expect(pair.serverRecorder.streams[id]?.isOversized == true)
    let many = try pair.request(nil, adding: (0..<300).map { ("x-\($0)", "y") })
    pair.run()
    #expect(pair.serverRecorder.streams[many]?.isOversized == true)
    let good = try pair.request(nil)
    pair.run()
    #expect(pair.serverRecorder.streams[good]?.isOversized == false)
    #expect(pair.serverError == nil)
  }

  @Test("A small block that unpacks to a header list of more than 64 KiB ends the session")
  func fatalHeaders() throws {
    /// A field of 4001 bytes that enters the table (RFC 7541, 6.2.1), then references to it: each
    /// counts 4033 bytes. The pseudo-header fields count 168.
    func headers(_ stream: UInt8, references: Int) -> [UInt8] {
      let block: [UInt8] =
        [0x83, 0x87, 0x84, 1, 1, 0x62, 0x40, 1, 0x78, 0x7F, 0xA1, 0x1E]
        + [UInt8](repeating: 0x79, count: 4000)
        + [UInt8](repeating: 0xBE, count: references)
      return [0, UInt8(block.count >> 8), UInt8(block.count & 0xFF), 1, 5, 0, 0, 0, stream] + block
    }
    let pair = try SessionPair()
    pair.run()
    pair.toServer(headers(1, references: 15))
    #expect(pair.serverError == nil)
    #expect(pair.serverRecorder.streams[1]?.isOversized == true)
    pair.toServer(headers(3, references: 16))
    #expect(pair.serverError?.code == .enhanceYourCalm)
    #expect(pair.serverRecorder.streams[3] == nil)
  }

  @Test("A drain tells the client twice and waits for what was accepted")
  func drain() throws {
    let pair = try SessionPair()
    let id = try pair.request([1])
    pair.run()
    pair.server.beginDrain()
    // A request that crosses the first GOAWAY is still accepted.
    let crossing = try pair.request([2])
    pair.run()
    #expect(pair.clientRecorder.goAways.map(\.lastStreamID) == [.max, crossing])
    #expect(!pair.server.isDrained)
    for stream in [id, crossing] {
      pair.answer(try #require(pair.server.stream(stream)), [3])
    }
    pair.run()
    #expect(pair.clientRecorder.streams[crossing]?.data == [3])
    #expect(pair.server.isDrained)
    #expect(
      pair.client.submitRequest(SessionPair.block(SessionPair.requestFields), endStream: true)
        == nil)
  }

  @Test("A PING comes back")
  func ping() throws {
    let pair = try SessionPair()
    pair.client.ping(0x0102_0304_0506_0708)
    pair.run()
    #expect(pair.clientRecorder.pings == [0x0102_0304_0506_0708])
  }

  @Test("Closing reports every open stream once")
  func close() throws {
    let pair = try SessionPair()
    let ids = try (0..<5).map { _ in try pair.request([1], end: false) }
    pair.run()
    pair.server.close(.cancel)
    #expect(ids.allSatisfy { pair.serverRecorder.streams[$0]?.closeCode == .cancel })
    #expect(pair.server.openStreams == 0 && !pair.server.hasOutput && pair.server.isFinished)
    pair.toServer([1, 2, 3])
  }

  @Test("A session that closes tells the streams of which nothing has left from the others")
  func neverSent() throws {
    let pair = try SessionPair()
    pair.run()
    let sent = try pair.request([1, 2, 3])
    pair.run()
    let unsent = try pair.request([1, 2, 3])
    #expect(pair.client.stream(sent).map { pair.client.hasLeft($0) } == true)
    pair.client.close(.cancel)
    #expect(pair.clientRecorder.neverSent == [unsent])
    #expect(pair.clientRecorder.streams[sent]?.closeCode == .cancel)
  }

  @Test("GOAWAY tells the streams of which nothing has left from those that were refused")
  func neverSentAtGoAway() throws {
    let pair = try SessionPair()
    pair.run()
    let kept = try pair.request(nil, end: false)
    let refused = try pair.request(nil, end: false)
    _ = SessionPair.output(pair.client, room: 1000)
    let unsent = try pair.request(nil, end: false)
    pair.give(
      [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(kept), 0, 0, 0, 0], to: pair.client
    ) { _ in }
    #expect(pair.clientRecorder.streams[refused]?.closeCode == .refusedStream)
    #expect(pair.clientRecorder.streams[unsent] == nil)
    _ = SessionPair.output(pair.client, room: 1000)
    #expect(pair.clientRecorder.neverSent == [unsent])
  }

  @Test("No more is queued than the limit")
  func queue() throws {
    var limits = HTTP2Limits()
    limits.maximumQueuedBytes = 200_000
    let pair = try SessionPair(server: limits)
    let id = try pair.request([1], end: false)
    pair.run()
    let stream = try #require(pair.server.stream(id))
    pair.server.submitHeaders(
      stream, SessionPair.block([(":status", "200")]), endStream: false)
    let bytes = [UInt8](repeating: 0, count: 150_000)
    #expect(bytes.withUnsafeBytes { pair.server.submitData(stream, $0) })
    #expect(!bytes.withUnsafeBytes { pair.server.submitData(stream, $0) })
    pair.server.reset(stream, .cancel)
    #expect(pair.server.queuedBytes == 0)
  }

  @Test(
    "Frames without progress end the session",
    arguments: [
      SessionPair.ping, SessionPair.settings, SessionPair.windowUpdate,
    ])
  func idleFlood(frame: [UInt8]) throws {
    let pair = try SessionPair()
    pair.run()
    for _ in 0..<5000 {
      pair.toServer(frame)
      _ = SessionPair.output(pair.server, room: 100_000)
    }
    #expect(pair.serverError?.code == .enhanceYourCalm)
  }

  @Test("Frames that come with progress do not")
  func busy() throws {
    let pair = try SessionPair()
    pair.serverRecorder.onEnd = { [unowned pair] in pair.answer($0, [1]) }
    for _ in 0..<3000 {
      try pair.request([1])
      for payload in 0..<3 { pair.client.ping(UInt64(payload)) }
      pair.run()
    }
    #expect(pair.serverError == nil)
  }

  @Test("Empty DATA frames end the session")
  func emptyData() throws {
    let pair = try SessionPair()
    let id = try pair.request([1], end: false)
    pair.run()
    for _ in 0..<5000 { pair.toServer([0, 0, 0, 0, 0, 0, 0, 0, UInt8(id)]) }
    #expect(pair.serverError?.code == .enhanceYourCalm)
  }

  @Test("Resets that the peer provokes end the session")
  func provokedResets() throws {
    var limits = HTTP2Limits()
    limits.faultBurstFrames = 10
    let pair = try SessionPair(server: limits)
    for _ in 0..<30 {
      // A window that overflows makes the server reset the stream.
      guard
        let stream = pair.client.submitRequest(
          SessionPair.block(SessionPair.requestFields), endStream: false)
      else { break }
      pair.run()
      let id = UInt8(truncatingIfNeeded: stream.id)
      pair.toServer([0, 0, 4, 8, 0, 0, 0, 0, id, 0x7F, 0xFF, 0xFF, 0xFF])
      pair.run()
    }
    #expect(pair.serverError?.code == .enhanceYourCalm || pair.server.failure != nil)
  }

  @Test("A failed session says GOAWAY once and nothing more")
  func farewell() throws {
    let pair = try SessionPair()
    pair.toServer(Array("GET / HTTP/1.1\r\n\r\n        ".utf8))
    #expect(pair.serverError?.code == .protocolError)
    let output = SessionPair.output(pair.server, room: 1000)
    let reason = Array("no HTTP/2 preface".utf8)
    let frame = [0, 0, UInt8(8 + reason.count), 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + reason
    #expect(Array(output.suffix(frame.count)) == frame)
    #expect(!pair.server.hasOutput && pair.server.isFinished)
  }

  @Test("Random frames never trap", arguments: 0..<200)
  func random(round: Int) throws {
    let pair = try SessionPair()
    let id = try pair.request([1, 2, 3], end: false)
    pair.run()
    for _ in 0..<200 {
      let payload = (0..<Int.random(in: 0...40)).map { _ in UInt8.random(in: 0...255) }
      let frame: [UInt8] =
        [0, 0, UInt8(payload.count), .random(in: 0...10), .random(in: 0...255), 0, 0, 0]
        + [Bool.random() ? UInt8(id) : .random(in: 0...9)] + payload
      pair.toServer(frame)
      pair.run()
    }
    pair.server.close(.cancel)
    #expect(pair.server.openStreams == 0 && pair.server.queuedBytes == 0)
  }
}

@Suite struct TokenBucketTests {
  @Test("A bucket gives its burst, then its rate")
  func rate() {
    var bucket = TokenBucket(capacity: 5, perSecond: 10, now: 0)
    func taken(_ count: Int, at now: UInt64) -> Int {
      var taken = 0
      for _ in 0..<count where bucket.take(now: now) { taken += 1 }
      return taken
    }
    #expect(taken(8, at: 0) == 5)
    #expect(taken(1, at: 50_000_000) == 0)
    #expect(taken(8, at: 200_000_000) == 2)
    #expect(taken(100, at: .max) == 5)
    bucket.give(100)
    #expect(taken(8, at: .max) == 5)
  }
}
