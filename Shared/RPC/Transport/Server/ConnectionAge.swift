/// Decides when a connection has lived or idled for long enough (gRFC A9). Times are monotonic
/// nanoseconds.
struct ConnectionAge: Sendable, Hashable {
  /// What to do now.
  enum Action: Sendable, Hashable {
    /// Nothing.
    case live
    /// The end begins: no new calls, those that run go on.
    case drain
    /// The calls that still run have had their time.
    case cutOff
  }

  private let startedAt: UInt64
  private let maximumAge: UInt64?
  private let grace: UInt64?
  private let idle: UInt64
  private var lastCall: UInt64
  private var isDraining = false
  /// When the drain for age began.
  private var agedAt: UInt64?

  /// - Parameter random: any number; it spreads the ends of connections that began together.
  init(_ limits: RPCLimits, now: UInt64, random: UInt64) {
    startedAt = now
    lastCall = now
    maximumAge = limits.maximumConnectionAgeSeconds.map { seconds in
      let age = UInt64(clamping: seconds) &* 1_000_000_000
      let spread = age / 100 &* UInt64(clamping: limits.connectionAgeJitterPercent)
      return age &- spread &+ random % (2 &* spread &+ 1)
    }
    grace = limits.connectionAgeGraceSeconds.map { UInt64(clamping: $0) &* 1_000_000_000 }
    idle = UInt64(clamping: limits.idleSeconds) &* 1_000_000_000
  }

  /// A call has begun.
  mutating func callBegan(now: UInt64) { lastCall = now }

  /// A drain has begun for another reason.
  mutating func drainBegan() { isDraining = true }

  /// Called about once a second.
  mutating func check(now: UInt64, hasCalls: Bool) -> Action {
    if hasCalls { lastCall = now }
    if let agedAt {
      guard let grace, now > agedAt, now - agedAt >= grace else { return .live }
      return .cutOff
    }
    guard !isDraining else { return .live }
    if let maximumAge, now > startedAt, now - startedAt >= maximumAge {
      agedAt = now
      isDraining = true
      return .drain
    }
    guard now > lastCall, now - lastCall >= idle else { return .live }
    isDraining = true
    return .drain
  }
}
