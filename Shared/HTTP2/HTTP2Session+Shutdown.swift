private import CNGHTTP2

extension HTTP2Session {
  /// Sends a PING; `pingAcknowledged` reports its return.
  package func ping(_ payload: UInt64) {
    guard let session = unsafe session, failure == nil else { return }
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: payload >> (56 - 8 * UInt64($0))) }
    unsafe nghttp2_submit_ping(session, 0, bytes)
  }

  /// True when HEADERS or DATA has been sent since the last time that this was asked.
  package func takeSentMessages() -> Bool {
    defer { hasSentMessages = false }
    return hasSentMessages
  }

  /// A server's graceful end: GOAWAY 2^31-1 and a PING; on its return GOAWAY with the real last
  /// stream. Calls already accepted go on.
  package func beginDrain() {
    guard let session = unsafe session, failure == nil, drain == .none, role == .server else {
      return
    }
    drain = .announced
    unsafe nghttp2_submit_shutdown_notice(session)
    ping(Self.drainPing)
  }

  /// True when a drain has begun and no call is left.
  package var isDrained: Bool {
    failure != nil || (drain == .final && openStreams == 0 && !hasOutput)
  }

  /// The second GOAWAY, without waiting for the PING any longer.
  package func finishDrain() {
    guard let session = unsafe session, failure == nil, drain != .final else { return }
    drain = .final
    unsafe nghttp2_submit_goaway(
      session, 0, nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR.rawValue, nil,
      0)
  }

  /// Ends the session for a reason of its owner; a GOAWAY that says it is then in the output.
  package func abort(_ error: HTTP2Error) {
    guard unsafe session != nil, failure == nil else { return }
    end(error)
  }

  /// Ends the session with GOAWAY; streams are closed.
  package func terminate(_ code: HTTP2ErrorCode) {
    guard let session = unsafe session, failure == nil else { return }
    unsafe nghttp2_session_terminate_session(session, code.rawValue)
  }
}
