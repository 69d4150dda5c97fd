/// Counts the PINGs that a client sends too soon (gRFC A8, gRPC "Keepalive"): they cost a server
/// with many connections more than they are worth. Times are monotonic nanoseconds.
struct PingStrikes: Sendable, Hashable {
  private let interval: UInt64
  private let idleInterval: UInt64
  private let maximumStrikes: Int
  private var lastPing: UInt64?
  private var strikes = 0

  init(_ limits: RPCLimits) {
    interval = UInt64(clamping: limits.minimumPingSeconds) &* 1_000_000_000
    idleInterval = UInt64(clamping: limits.minimumIdlePingSeconds) &* 1_000_000_000
    maximumStrikes = limits.maximumPingStrikes
  }

  /// Takes a PING in; false when it is one too many.
  ///
  /// - Parameter hasSent: whether HEADERS or DATA went out since the last PING. The client may then
  ///   be measuring the connection, which begins the count anew.
  mutating func received(now: UInt64, hasCalls: Bool, hasSent: Bool) -> Bool {
    if hasSent {
      strikes = 0
      lastPing = nil
    }
    defer { lastPing = now }
    guard let lastPing, now < lastPing || now - lastPing < (hasCalls ? interval : idleInterval)
    else { return true }
    strikes += 1
    return strikes <= maximumStrikes
  }
}
