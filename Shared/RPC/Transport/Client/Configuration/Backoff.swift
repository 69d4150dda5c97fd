internal import RPCCore

/// Waits that grow exponentially, spread by chance (gRPC "Connection Backoff Protocol"; gRFC A6).
package struct Backoff: Sendable, Hashable {
  /// The first wait.
  package let initial: Duration
  /// No wait is longer, but for chance.
  package let maximum: Duration
  /// Each wait is this many times the one before.
  package let multiplier: Double
  /// Up to this part of a wait is added to it or taken from it.
  package let jitter: Double

  /// - Precondition: the durations are positive, the multiplier is a positive number, the jitter
  ///   is at least 0 and below 1.
  package init(initial: Duration, maximum: Duration, multiplier: Double, jitter: Double) {
    precondition(initial > .zero && maximum > .zero, "waits are positive")
    precondition(multiplier > 0 && multiplier.isFinite, "the multiplier is a positive number")
    precondition((0..<1).contains(jitter), "the jitter is a part of the wait")
    self.initial = initial
    self.maximum = maximum
    self.multiplier = multiplier
    self.jitter = jitter
  }

  /// What gRPC prescribes between attempts to connect: 1 s × 1.6 to 120 s ± 20 %.
  package static let connection = Backoff(
    initial: .seconds(1), maximum: .seconds(120), multiplier: 1.6, jitter: 0.2)

  /// Between the project's own services: 50 ms × 1.6 to 10 s ± 20 %. They are few and near, and a
  /// call must not wait two minutes for one that is back.
  package static let betweenServices = Backoff(
    initial: .milliseconds(50), maximum: .seconds(10), multiplier: 1.6, jitter: 0.2)

  /// The wait after some failures, in nanoseconds.
  ///
  /// - Parameters:
  ///   - failures: how many waits came before, at least 0.
  ///   - random: any number; its bits decide within the jitter.
  func nanoseconds(after failures: Int, random: UInt64) -> UInt64 {
    let first = Double(initial.saturatedNanoseconds)
    let last = Double(maximum.saturatedNanoseconds)
    var wait = min(first, last)
    var growth = failures
    // Ends early at the longest wait, or where the multiplier makes it no different.
    while growth > 0, wait > 0, wait < last, multiplier != 1 {
      wait = min(wait * multiplier, last)
      growth -= 1
    }
    let part = Double(random >> 11) / Double(1 << 53)  // 0 ..< 1
    let spread = wait * (1 - jitter + 2 * jitter * part)
    return UInt64(min(max(spread, 0), 9e18))
  }
}
