/// Decides when a peer that says nothing is asked by PING whether it is still there, and when it is
/// given up (gRFC A8, gRPC "Keepalive"). Times are monotonic nanoseconds.
struct Keepalive: Sendable, Hashable {
  /// What to do now.
  enum Action: Sendable, Hashable {
    /// Nothing.
    case wait
    case ping
    /// Nothing came after the last PING: the peer is gone.
    case giveUp
  }

  private let interval: UInt64
  private let timeout: UInt64
  private let pingsWithoutCalls: Bool
  /// When the PING went out that nothing has followed yet.
  private var pingedAt: UInt64?

  /// - Parameters:
  ///   - intervalSeconds: without input, until a PING.
  ///   - timeoutSeconds: after a PING, for any input.
  ///   - pingsWithoutCalls: whether a connection without calls is worth a PING.
  init(intervalSeconds: Int, timeoutSeconds: Int, pingsWithoutCalls: Bool) {
    interval = UInt64(clamping: intervalSeconds) &* 1_000_000_000
    timeout = UInt64(clamping: timeoutSeconds) &* 1_000_000_000
    self.pingsWithoutCalls = pingsWithoutCalls
  }

  /// Called about once a second.
  ///
  /// - Parameter lastInput: when bytes came from the peer; of whatever kind, they prove it alive.
  mutating func check(now: UInt64, lastInput: UInt64, hasCalls: Bool) -> Action {
    if let pingedAt {
      guard lastInput <= pingedAt else {
        self.pingedAt = nil
        return .wait
      }
      return now >= pingedAt && now - pingedAt >= timeout ? .giveUp : .wait
    }
    guard hasCalls || pingsWithoutCalls, now > lastInput, now - lastInput >= interval else {
      return .wait
    }
    pingedAt = now
    return .ping
  }
}
