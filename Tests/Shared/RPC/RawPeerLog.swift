import HTTP2

/// Writes down what a `RawPeer`'s session reports, and gives windows back unless told not to. Apart
/// from the peer, as a session holds its delegate.
final class RawPeerLog: HTTP2SessionDelegate {
  /// What came on one stream: a client's answer, a server's request.
  struct Answer {
    var blocks: [[String: String]] = []
    var data: [UInt8] = []
    var isEnded = false
    var closeCode: HTTP2ErrorCode?

    var httpStatus: String? { blocks.first?[":status"] }
    var grpcStatus: String? { blocks.last?["grpc-status"] }
    var message: String? { blocks.last?["grpc-message"] }
  }

  var consumes = true
  var answers: [Int32: Answer] = [:]
  /// The streams that the other side has ended, until somebody takes them.
  var ended: [Int32] = []
  private(set) var goAways: [HTTP2GoAway] = []
  private(set) var pingsReceived = 0
  private(set) var pingsAcknowledged = 0
  private(set) var isOpen = false

  func headersReceived(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock) {
    var block: [String: String] = [:]
    for index in 0..<headers.count {
      block[String(decoding: headers.name(index), as: UTF8.self)] = String(
        decoding: headers.value(index), as: UTF8.self)
    }
    answers[stream.id, default: Answer()].blocks.append(block)
  }
  func dataReceived(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, in session: HTTP2Session
  ) {
    answers[stream.id]?.data += bytes
    if consumes { session.consume(stream, bytes.count) }
  }
  func endReceived(_ stream: HTTP2Stream) {
    answers[stream.id]?.isEnded = true
    ended.append(stream.id)
  }
  func queueDrained(_ stream: HTTP2Stream) {}
  func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    answers[stream.id]?.closeCode = code
  }
  func settingsReceived() { isOpen = true }
  func goAwayReceived(_ goAway: HTTP2GoAway) { goAways.append(goAway) }
  func pingReceived() { pingsReceived += 1 }
  func pingAcknowledged(_ payload: UInt64) { pingsAcknowledged += 1 }
}
