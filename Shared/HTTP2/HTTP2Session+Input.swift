private import CNGHTTP2

/// Bytes in.
extension HTTP2Session {
  /// Takes plaintext in.
  ///
  /// - Parameter now: monotonic time in nanoseconds, for the rate limits.
  /// - Throws: when the session is over; a GOAWAY is then in the output.
  package func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) throws(HTTP2Error) {
    self.now = now
    guard role == .server else { return unsafe try give(bytes) }
    var position = 0
    while position < bytes.count, failure == nil {
      let (end, finding) = unsafe clientFrames.scan(bytes, from: position)
      unsafe try give(UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
      position = end
      guard let finding else { continue }
      switch finding {
      case .idle: _ = idleFrame()
      case .error(let error): _ = stop(error)
      }
      if let failure { throw failure }
    }
  }

  private func give(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) {
    guard let session = unsafe session, failure == nil, bytes.count > 0 else { return }
    let result = unsafe nghttp2_session_mem_recv(
      session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    if result < 0 { throw fail(result) }
  }
}
