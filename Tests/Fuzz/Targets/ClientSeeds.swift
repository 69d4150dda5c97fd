import Messages

/// Answers of servers, good and bad.
enum ClientSeeds {
  private static let head = [(":status", "200"), ("content-type", "application/grpc")]
  private static let good = [("grpc-status", "0")]

  private static func answer(_ stream: Int32, _ bodies: [UInt8]...) -> [UInt8] {
    let data = bodies.flatMap { HTTP2Frames.data(stream, $0) }
    return HTTP2Frames.headers(stream, head) + data + HTTP2Frames.headers(stream, good, end: true)
  }

  private static func refusal(
    _ stream: Int32, _ code: Int, adding fields: [(String, String)] = []
  ) -> [UInt8] {
    let fields = head + [("grpc-status", "\(code)"), ("grpc-message", "no%20%E2%82%AC")] + fields
    return HTTP2Frames.headers(stream, fields, end: true)
  }

  static func all() throws -> [[UInt8]] {
    let frames = HTTP2Frames.self
    let message = frames.message(try ClientRun.message.serialized())
    let small = try ClientRun.compressed()
    let pushback = { (text: String) in [("grpc-retry-pushback-ms", text)] }
    // The calls that are there from the beginning have the streams 1, 3, 5, 7.
    let bodies: [[UInt8]] = [
      answer(1, message) + answer(3, message, message) + answer(5, message) + answer(7, message),
      answer(1, []) + answer(3) + answer(5, message + message) + answer(7, message),
      frames.headers(1, head + [("grpc-encoding", "gzip")])
        + frames.data(1, frames.message(small, flag: 1)) + frames.headers(1, good, end: true),
      // Tried again by the policy, now, later, in 116 days, never.
      refusal(1, 14) + ClientEvent.wait(milliseconds: 200) + answer(9, message)
        + refusal(3, 14, adding: pushback("900")) + ClientEvent.wait(milliseconds: 1000)
        + refusal(5, 14, adding: pushback("9999999999")) + refusal(7, 14, adding: pushback("-1")),
      // What waits for months leaves nothing behind when its caller gives up.
      refusal(5, 14, adding: pushback("9999999999")) + ClientEvent.callCancelled.frame([2]),
      // Tried again at once, on this connection and on the next.
      frames.reset(1, 7) + frames.reset(3, 7) + frames.goAway(5, 0) + answer(3, message)
        + frames.reset(1, 7) + ClientEvent.connectionChosen.frame([0]) + answer(5, message),
      ClientEvent.connectionLost.frame() + ClientEvent.wait(milliseconds: 300)
        + answer(1, message) + answer(3, message),
      ClientEvent.attemptsFail.frame([2]) + ClientEvent.connectionClosed.frame()
        + ClientEvent.wait(milliseconds: 2000) + answer(1, message),
      ClientEvent.wait(milliseconds: 4000),
      (0..<8).flatMap { ClientEvent.callBegins.frame([$0 * 5]) } + answer(9, message)
        + ClientEvent.callCancelled.frame([2]) + ClientEvent.callCancelled.frame([6])
        + answer(11, message) + answer(13, message),
      frames.headers(1, [(":status", "103"), ("link", "x")]) + answer(1, message)
        + frames.headers(3, [(":status", "503"), ("content-type", "text/html")])
        + frames.data(3, [0x3C], end: true) + frames.headers(5, [(":status", "200")], end: true),
      frames.headers(1, head + [("x-bytes-bin", "AAE,AAEC"), ("x-text", "a b")])
        + frames.data(1, message + [1]) + frames.headers(1, good, end: true)
        + frames.reset(3, 8) + frames.reset(5, 11) + frames.reset(7, 12),
      frames.headers(3, head) + frames.data(3, [0, 0, 0, 7, 0])
        + frames.data(3, [UInt8](repeating: 1, count: 700))
        + frames.headers(7, head) + frames.data(7, [0, 0xFF, 0, 0, 0]),
      // Two streams, a narrow window that is opened by and by, PINGs, and too many of them.
      frames.frame(4, 0, 0, [0, 3] + frames.bigEndian(2) + [0, 4] + frames.bigEndian(20))
        + frames.windowUpdate(7, 50) + frames.windowUpdate(7, 500) + frames.ping
        + frames.goAway(7, 11),
      // Answered while no window lets the request out.
      frames.frame(4, 0, 0, [0, 4, 0, 0, 0, 0]) + answer(1, message) + answer(3, message)
        + answer(5, message) + answer(7, message) + ClientEvent.callBegins.frame([0])
        + answer(9, message) + ClientEvent.callBegins.frame([2]) + answer(11, message),
      frames.headers(5, head + [("grpc-encoding", "snappy")]) + frames.data(5, message)
        + refusal(7, 16, adding: [("grpc-status-details-bin", "CBASAm5v")]),
    ]
    return bodies.enumerated().map { [UInt8($0.offset)] + $0.element }
  }
}
