/// How long to wait before a failed delivery is tried again: doubling, bounded, with jitter so that
/// many do not come back at once.
package struct BackOff: Sendable, Hashable {
  /// Before the second attempt.
  package var first: Duration
  /// Before any later one at most.
  package var longest: Duration

  package init(first: Duration = .milliseconds(500), longest: Duration = .seconds(300)) {
    precondition(first > .zero && longest >= first, "a back-off grows from above zero")
    self.first = first
    self.longest = longest
  }

  /// The wait after so many failed attempts, from half of the doubled time to all of it.
  ///
  /// - Parameter random: 64 random bits.
  func wait(afterAttempts attempts: Int, random: UInt64) -> Duration {
    var whole = first
    for _ in 1..<max(attempts, 1) where whole < longest { whole = min(whole * 2, longest) }
    let half = whole / 2
    return half + half * Int(random % 1024) / 1024
  }
}
