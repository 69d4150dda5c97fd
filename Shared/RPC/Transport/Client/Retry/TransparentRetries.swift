/// What is known of an attempt that ended without an answer (gRFC A6, "Transparent Retries").
enum AttemptFate: Sendable, Hashable {
  /// Nothing of it has left: its connection was lost, or the server went away, before its HEADERS.
  case neverSent
  /// It has left, but the server says that it did not process it: REFUSED_STREAM, or a stream above
  /// the last one of GOAWAY.
  case notProcessed
  /// The server may have processed it.
  case unknown
}

/// The transparent retries of one call (gRFC A6): attempts that are certain to have had no effect
/// are made again at once, outside the retry policy, its count and its throttling.
struct TransparentRetries: Sendable, Hashable {
  /// A server that refuses once more is overloaded or broken, and the policy's business.
  private var wasRefused = false

  /// An attempt ended without an answer; true when it is made again.
  ///
  /// One that was never sent always is: the channel waits between its attempts to connect, and the
  /// deadline ends the call. One that the server did not process is once in a call.
  mutating func attemptEnded(_ fate: AttemptFate) -> Bool {
    switch fate {
    case .neverSent: return true
    case .notProcessed:
      defer { wasRefused = true }
      return !wasRefused
    case .unknown: return false
    }
  }
}
