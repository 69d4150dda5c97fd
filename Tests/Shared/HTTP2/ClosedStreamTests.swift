import Testing

@testable import HTTP2

/// Frames that nghttp2 passes over: on streams that are over (RFC 9113, 5.1), and PRIORITY.
@Suite struct ClosedStreamTests {
  private static func frame(
    _ type: UInt8, _ flags: UInt8, _ id: Int32, _ payload: [UInt8]
  ) -> [UInt8] {
    [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, UInt8(id)] + payload
  }

  /// POST / over https to a, by HPACK's static table.
  private static let request: [UInt8] = [0x83, 0x84, 0x87, 1, 1, 0x61]
  /// A field that no table keeps.
  private static let field: [UInt8] = [0, 1, UInt8(ascii: "x"), 1, UInt8(ascii: "y")]

  private static func data(_ id: Int32) -> [UInt8] { frame(0, 0, id, [1]) }
  private static func headers(_ id: Int32, ended: Bool) -> [UInt8] {
    frame(1, ended ? 5 : 4, id, request)
  }
  private static func reset(_ id: Int32) -> [UInt8] { frame(3, 0, id, [0, 0, 0, 8]) }

  /// A server whose client has sent its preface.
  private static func pair() throws -> SessionPair {
    let pair = try SessionPair()
    pair.toServer(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + SessionPair.settings)
    return pair
  }

  private static func output(_ pair: SessionPair) {
    _ = SessionPair.output(pair.server, room: 70_000)
  }

  private static func expectLife(_ pair: SessionPair, after id: Int32) {
    pair.toServer(headers(id + 2, ended: true))
    #expect(pair.serverError == nil)
    #expect(pair.serverRecorder.streams[id + 2]?.isEnded == true)
  }

  @Test("What follows on a stream that the client has reset ends the connection")
  func afterReset() throws {
    for frame in [Self.data(1), Self.headers(1, ended: true), Self.headers(1, ended: false)] {
      let pair = try Self.pair()
      pair.toServer(Self.headers(1, ended: false) + Self.reset(1) + frame)
      #expect(pair.serverError?.code == .streamClosed)
    }
  }

  @Test("What follows on a stream that both have ended ends the connection")
  func afterEnd() throws {
    for frame in [Self.data(1), Self.headers(1, ended: true)] {
      let pair = try Self.pair()
      pair.serverRecorder.onEnd = { [unowned pair] in pair.answer($0, [1]) }
      pair.toServer(Self.headers(1, ended: true))
      Self.output(pair)
      #expect(pair.server.openStreams == 0)
      pair.toServer(frame)
      #expect(pair.serverError?.code == .streamClosed)
    }
  }

  @Test("PRIORITY, WINDOW_UPDATE and RST_STREAM may come late")
  func late() throws {
    let pair = try Self.pair()
    pair.serverRecorder.onEnd = { [unowned pair] in pair.answer($0, [1]) }
    pair.toServer(Self.headers(1, ended: true))
    Self.output(pair)
    for frame in [
      Self.frame(2, 0, 1, [0, 0, 0, 0, 7]), Self.frame(8, 0, 1, [0, 0, 0, 9]), Self.reset(1),
    ] {
      pair.toServer(frame)
    }
    Self.expectLife(pair, after: 1)
  }

  @Test("What was on its way to a stream that the server has reset is passed over")
  func afterOurReset() throws {
    let pair = try Self.pair()
    pair.toServer(Self.headers(1, ended: false))
    pair.server.reset(try #require(pair.server.stream(1)), .cancel)
    Self.output(pair)
    #expect(pair.server.openStreams == 0)
    pair.toServer(Self.data(1) + Self.data(1) + Self.frame(1, 5, 1, Self.field))
    Self.expectLife(pair, after: 1)
    // The trailers were the client's end.
    pair.toServer(Self.data(1))
    #expect(pair.serverError?.code == .streamClosed)
  }

  @Test("What was on its way to a stream that was refused is passed over")
  func refused() throws {
    let pair = try Self.pair()
    for id in stride(from: Int32(1), through: 201, by: 2) {
      pair.toServer(Self.headers(id, ended: false))
    }
    pair.toServer(Self.data(201))
    #expect(pair.serverError == nil)
    Self.output(pair)
    pair.toServer(Self.data(201) + Self.reset(201))
    #expect(pair.serverError == nil)
    pair.toServer(Self.data(201))
    #expect(pair.serverError?.code == .streamClosed)
  }

  @Test("What comes after the last GOAWAY of a drain is passed over")
  func drained() throws {
    let pair = try Self.pair()
    pair.toServer(Self.headers(1, ended: false))
    pair.server.beginDrain()
    pair.server.finishDrain()
    Self.output(pair)
    pair.toServer(Self.headers(3, ended: false) + Self.data(3) + Self.data(1))
    #expect(pair.serverError == nil)
    #expect(pair.serverRecorder.streams[1]?.data == [1])
    #expect(pair.serverRecorder.streams[3] == nil)
  }

  @Test("An id below one that was used begins no stream")
  func smallerID() throws {
    let pair = try Self.pair()
    pair.toServer(Self.headers(5, ended: false) + Self.headers(3, ended: false))
    #expect(pair.serverError?.code == .protocolError)
    #expect(pair.serverRecorder.streams[3] == nil)
  }

  @Test("PRIORITY on stream 0 ends the connection")
  func priority() throws {
    let pair = try Self.pair()
    pair.toServer(Self.frame(2, 0, 0, [0, 0, 0, 1, 7]))
    #expect(pair.serverError?.code == .protocolError)
  }

  @Test("PRIORITY that makes a stream depend on itself ends the connection")
  func selfDependency() throws {
    let pair = try Self.pair()
    for byte in Self.frame(2, 0, 1, [0x80, 0, 0, 3, 7]) { pair.toServer([byte]) }
    #expect(pair.serverError == nil)
    for byte in Self.frame(2, 0, 3, [0x80, 0, 0, 3, 7]) { pair.toServer([byte]) }
    #expect(pair.serverError?.code == .protocolError)
  }

  @Test("However many streams were reset, none that may bring frames is taken for ended")
  func manyResets() throws {
    var frames = ClientFrames()
    var bytes = [UInt8](repeating: 0, count: 24)
    func head(_ type: UInt8, _ flags: UInt8, _ id: Int) -> [UInt8] {
      [0, 0, 0, type, flags, 0, 0, UInt8(id >> 8), UInt8(id & 0xFF)]
    }
    let ids = Array(stride(from: 1, to: 8001, by: 2))
    for id in ids { bytes += head(1, id % 4 == 1 ? 4 : 5, id) }
    for id in ids where id % 4 == 1 { bytes += head(0, 0, id) }
    let scanned = bytes.withUnsafeBytes { frames.scan($0, from: 0) }
    #expect(scanned.end == bytes.count && scanned.finding == nil)
    let late = head(0, 0, 7999).withUnsafeBytes { frames.scan($0, from: 0) }
    #expect(
      late.finding == .error(HTTP2Error(.streamClosed, "DATA on stream 7999, which has ended")))
  }
}
