/// A rate limit: a burst at once, then a number per second.
struct TokenBucket: Sendable, Hashable {
  private let capacity: Int
  private let perSecond: Int
  private var tokens: Int
  private var refilledAt: UInt64

  /// - Parameter now: monotonic time in nanoseconds.
  init(capacity: Int, perSecond: Int, now: UInt64) {
    self.capacity = capacity
    self.perSecond = perSecond
    tokens = capacity
    refilledAt = now
  }

  /// Takes one token; false when none is left.
  mutating func take(now: UInt64) -> Bool {
    if tokens == 0 { refill(now: now) }
    guard tokens > 0 else { return false }
    tokens -= 1
    return true
  }

  /// Gives tokens back, up to the burst.
  mutating func give(_ count: Int) { tokens = min(capacity, tokens + count) }

  private mutating func refill(now: UInt64) {
    guard now > refilledAt else { return }
    let elapsed = min(now - refilledAt, 3_600_000_000_000)
    let earned = Int(elapsed) / 1_000_000 * perSecond / 1000
    guard earned > 0 else { return }
    refilledAt = now
    tokens = min(capacity, tokens + earned)
  }
}
