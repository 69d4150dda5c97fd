private import CNGHTTP2

/// Flow control for streams whose reader may be slow: the connection's window is given back when
/// bytes arrive, so that one slow reader does not stop the other streams; the stream's own window
/// only when its reader has taken them.
extension HTTP2Session {
  /// Gives received bytes back to the connection's window, and keeps the stream's.
  package func hold(_ stream: HTTP2Stream, _ count: Int) {
    guard let session = unsafe session, failure == nil, count > 0, count <= stream.unconsumedBytes
    else { return }
    stream.unconsumedBytes -= count
    stream.heldBytes += count
    unsafe nghttp2_session_consume_connection(session, count)
  }

  /// Makes a stream's window larger, so that the peer may send so many bytes before some must be
  /// given back.
  package func widen(_ stream: HTTP2Stream, to bytes: Int) {
    guard let session = unsafe session, failure == nil,
      unsafe bytes > Int(nghttp2_session_get_stream_effective_local_window_size(session, stream.id))
    else { return }
    unsafe nghttp2_session_set_local_window_size(session, 0, stream.id, Int32(clamping: bytes))
  }

  /// Gives held bytes back to the stream's window.
  package func releaseHeld(_ stream: HTTP2Stream, _ count: Int) {
    guard let session = unsafe session, failure == nil, count > 0, count <= stream.heldBytes
    else { return }
    stream.heldBytes -= count
    unsafe nghttp2_session_consume_stream(session, stream.id, count)
  }

  /// Room for `size` bytes of DATA behind what is queued on the stream, to be written and then
  /// queued by `commitData`; nil when the stream has ended or the session's queue is full.
  ///
  /// Valid until anything else happens to the stream.
  package func reserveData(_ stream: HTTP2Stream, _ size: Int) -> UnsafeMutableRawPointer? {
    guard failure == nil, stream.sending == .open, size <= limits.maximumQueuedBytes - queuedBytes
    else { return nil }
    return unsafe stream.queue.reserve(size)
  }

  /// Queues the first `size` bytes of the room that `reserveData` gave.
  package func commitData(_ stream: HTTP2Stream, _ size: Int) {
    stream.queue.commit(size)
    queuedBytes += size
    resume(stream)
  }

  /// Resets the streams of which all is submitted and nothing has gone out for so long: the peer's
  /// window holds them up, and their memory. To be called now and then.
  package func resetUnread(now: UInt64, nanoseconds: UInt64) {
    guard queuedBytes > 0, failure == nil else { return }
    streams.forEach { stream in
      guard stream.sending == .ended, !stream.queue.isEmpty else { return }
      if stream.queue.count != stream.unreadBytes {
        stream.unreadBytes = stream.queue.count
        stream.unreadSince = now
      } else if now > stream.unreadSince, now - stream.unreadSince >= nanoseconds {
        reset(stream, .cancel)
      }
    }
  }

  /// Ends our side of a stream after what is queued, without trailers.
  package func submitEnd(_ stream: HTTP2Stream) {
    guard failure == nil, stream.sending == .open else { return }
    stream.sending = .ended
    resume(stream)
  }

  /// True once a frame of a client's stream was made.
  package func hasLeft(_ stream: HTTP2Stream) -> Bool {
    guard let session = unsafe session else { return true }
    return unsafe nghttp2_session_find_stream(session, stream.id) != nil
  }

  /// True when our side of a stream has ended and nothing waits to be sent.
  package func hasEnded(_ stream: HTTP2Stream) -> Bool {
    stream.sending == .ended && stream.queue.isEmpty
  }

  /// Visits the open streams, any of which may be ended or reset meanwhile.
  package func forEachStream(_ body: (HTTP2Stream) -> Void) {
    streams.forEach(body)
  }
}
