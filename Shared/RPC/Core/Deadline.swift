internal import Glibc

/// An instant on the monotonic clock by which a call must have ended.
package struct Deadline: Sendable, Hashable, Comparable {
  /// Nanoseconds of CLOCK_MONOTONIC, the clock of SwiftNIO's `NIODeadline`.
  package let uptimeNanoseconds: UInt64

  package init(uptimeNanoseconds: UInt64) { self.uptimeNanoseconds = uptimeNanoseconds }

  /// A time from now; negative durations count as zero, very long ones saturate.
  package init(after duration: Duration) {
    self.init(after: duration, now: Self.now())
  }

  /// A time from a given now, for tests and for callers that read the clock once.
  package init(after duration: Duration, now: UInt64) {
    let (sum, overflow) = now.addingReportingOverflow(duration.saturatedNanoseconds)
    uptimeNanoseconds = overflow ? .max : sum
  }

  /// What is left, zero once the deadline has passed.
  package var remaining: Duration { remaining(now: Self.now()) }

  /// What is left at a given time.
  package func remaining(now: UInt64) -> Duration {
    guard uptimeNanoseconds > now else { return .zero }
    return .nanoseconds(Int64(clamping: uptimeNanoseconds - now))
  }

  /// True when no time is left.
  package var isPast: Bool { uptimeNanoseconds <= Self.now() }

  package static func < (left: Self, right: Self) -> Bool {
    left.uptimeNanoseconds < right.uptimeNanoseconds
  }

  /// CLOCK_MONOTONIC in nanoseconds.
  package static func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000
      &+ UInt64(truncatingIfNeeded: time.tv_nsec)
  }
}

extension Duration {
  /// Whole nanoseconds, at least 0, saturating at `UInt64.max`, rounded up.
  package var saturatedNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (scaled, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return .max }
    let fraction = (UInt64(attoseconds) + 999_999_999) / 1_000_000_000
    let (sum, overflowed) = scaled.addingReportingOverflow(fraction)
    return overflowed ? .max : sum
  }
}
