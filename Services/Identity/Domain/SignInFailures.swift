package import SharedDomain

/// The sign-ins that failed for one login, and for how long the next one has to wait (ID-8).
///
/// The wait doubles and ends at ``maximumWait``, so nobody is locked out for good; a source from
/// which the user has signed in before is counted apart, so that a stranger's guesses do not make
/// the owner wait.
package struct SignInFailures: Sendable, Hashable {
  package let count: Int
  package let lastAt: Instant
  /// Until when the next attempt has to wait.
  package let blockedUntil: Instant

  /// Failures without any wait.
  package static let freeFailures = 5
  package static let maximumWait = Duration.minutes(15)
  /// Without a failure for that long, counting begins anew.
  package static let memory = Duration.hours(24)

  package init(count: Int, lastAt: Instant, blockedUntil: Instant) {
    self.count = count
    self.lastAt = lastAt
    self.blockedUntil = blockedUntil
  }

  /// No failures yet.
  package static let none = SignInFailures(
    count: 0, lastAt: Instant(microseconds: 0), blockedUntil: Instant(microseconds: 0))

  /// Throws while the next attempt has to wait.
  package func check(at now: Instant) throws(IdentityError) {
    // A block never outlasts the longest wait, even when the clock was set back.
    let until = min(blockedUntil, now.advanced(by: Self.maximumWait))
    guard now < until else { return }
    throw .tooManySignIns(retryAfter: until.since(now))
  }

  /// One more failure.
  package func adding(at now: Instant) -> SignInFailures {
    let isForgotten = now > lastAt.advanced(by: Self.memory)
    let count = isForgotten ? 1 : count + 1
    return SignInFailures(
      count: count, lastAt: now, blockedUntil: now.advanced(by: Self.wait(after: count)))
  }

  /// The wait after a number of failures: none before the fifth, then 1 s, 2 s, 4 s and so on.
  package static func wait(after count: Int) -> Duration {
    guard count >= freeFailures else { return .zero }
    let doublings = min(count - freeFailures, 10)
    return min(.seconds(Int64(1) << Int64(doublings)), maximumWait)
  }
}
