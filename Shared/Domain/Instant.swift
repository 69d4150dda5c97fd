/// A point in time: microseconds since 1970-01-01T00:00:00Z, leap seconds left out.
package struct Instant: Sendable, Hashable, Comparable {
  package let microseconds: Int64

  package init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  package static func < (left: Instant, right: Instant) -> Bool {
    left.microseconds < right.microseconds
  }

  /// This instant moved by a duration; saturates at the ends of the range.
  package func advanced(by duration: Duration) -> Instant {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let step = overflow ? (seconds < 0 ? Int64.min : .max) : whole
    let (coarse, coarseOverflow) = microseconds.addingReportingOverflow(step)
    guard !coarseOverflow else { return Instant(microseconds: step < 0 ? .min : .max) }
    let fraction = attoseconds / 1_000_000_000_000
    let (fine, fineOverflow) = coarse.addingReportingOverflow(fraction)
    return Instant(microseconds: fineOverflow ? (fraction < 0 ? .min : .max) : fine)
  }

  /// The time from another instant to this one; negative when the other is later.
  package func since(_ other: Instant) -> Duration {
    let (difference, overflow) = microseconds.subtractingReportingOverflow(other.microseconds)
    if overflow { return .microseconds(microseconds < 0 ? Int64.min : .max) }
    return .microseconds(difference)
  }
}

extension Duration {
  /// A whole number of minutes.
  package static func minutes(_ count: Int64) -> Duration { .seconds(60 * count) }
  /// A whole number of hours.
  package static func hours(_ count: Int64) -> Duration { .seconds(3600 * count) }
  /// A whole number of days of 24 hours.
  package static func days(_ count: Int64) -> Duration { .seconds(86_400 * count) }
}
