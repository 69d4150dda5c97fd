/// What a session reports while it takes bytes in or gives bytes out.
///
/// Calls come in the order of the wire. An implementation may submit on any stream and reset any
/// stream from within a call; it must not call `receive` or `produce`.
package protocol HTTP2SessionDelegate: AnyObject {
  /// A complete header block: a request, a response or an interim one (1xx), or trailers.
  /// The list is lent for the time of the call.
  func headersReceived(_ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock)
  /// Bytes of DATA, lent for the time of the call. They count against the windows until
  /// `consume` or `hold` of `session`, which is the caller.
  func dataReceived(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, in session: HTTP2Session)
  /// The peer ended its side.
  func endReceived(_ stream: HTTP2Stream)
  /// The queue of a stream, which was not empty, is.
  func queueDrained(_ stream: HTTP2Stream)
  /// The stream is over; it must not be used after the call.
  func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode)
  /// The peer's SETTINGS arrived.
  func settingsReceived()
  /// The peer goes away; streams beyond its last are closed with REFUSED_STREAM next.
  func goAwayReceived(_ goAway: HTTP2GoAway)
  /// The peer sent a PING; the session answers it.
  func pingReceived()
  /// A PING that the owner sent came back.
  func pingAcknowledged(_ payload: UInt64)
}
