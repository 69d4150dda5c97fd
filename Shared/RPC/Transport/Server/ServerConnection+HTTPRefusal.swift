internal import HTTP2

/// Requests that are not gRPC. They are answered when they have ended: an earlier answer is followed
/// by RST_STREAM, at which many HTTP clients forget what was answered.
extension ServerConnection {
  /// A request that waits for its end.
  struct RefusedRequest {
    let refusal: HTTPRefusal
    /// Monotonic time of its headers, in nanoseconds.
    let since: UInt64
  }

  /// Answers a request at its end.
  func refuseAtEnd(_ stream: HTTP2Stream, _ refusal: HTTPRefusal) {
    refusedRequests[stream.id] = RefusedRequest(refusal: refusal, since: now)
  }

  /// END_STREAM of a request that is not a call.
  func refusedRequestEnded(_ stream: HTTP2Stream) {
    guard let request = refusedRequests.removeValue(forKey: stream.id) else { return }
    send(request.refusal, stream)
  }

  /// Answers the requests that take too long to end.
  func refuseOverdueRequests(now: UInt64) {
    guard let session, !refusedRequests.isEmpty else { return }
    for (id, request) in refusedRequests where isOver(request.since, limits.requestSeconds, now) {
      refusedRequests[id] = nil
      if let stream = session.stream(id) { send(request.refusal, stream) }
    }
  }

  private func send(_ refusal: HTTPRefusal, _ stream: HTTP2Stream) {
    guard let session else { return }
    loop.headers.removeAll()
    refusal.write(to: loop.headers)
    session.submitHeaders(stream, loop.headers, endStream: !refusal.hasContent)
    if refusal.hasContent {
      refusal.text.withUTF8Buffer { text in
        _ = unsafe session.submitData(stream, UnsafeRawBufferPointer(text), endStream: true)
      }
    }
    loop.markDirty(self)
  }
}
