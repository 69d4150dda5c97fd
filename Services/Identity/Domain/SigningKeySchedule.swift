package import SharedDomain

/// When keys that sign access tokens are made and forgotten.
package enum SigningKeySchedule {
  /// How long a key signs.
  package static let period = Duration.days(30)
  /// How far the clocks of two services may differ.
  package static let clockTolerance = Duration.minutes(5)

  /// Whether a new key is due, given when the newest was made; nil where there is none.
  package static func needsKey(newestMadeAt: Instant?, at now: Instant) -> Bool {
    guard let newestMadeAt else { return true }
    return now >= newestMadeAt.advanced(by: period)
  }

  /// When the tokens of a key that is replaced now can no longer be met.
  package static func expiry(replacedAt now: Instant) -> Instant {
    now.advanced(by: Session.accessTokenLifetime).advanced(by: clockTolerance)
  }
}
