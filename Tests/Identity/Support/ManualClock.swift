import SharedDomain
import Synchronization

/// A clock that tests move.
final class ManualClock: WallClock {
  private let instant: Mutex<Instant>

  init(_ instant: Instant = Instant(microseconds: 1_795_000_000_000_000)) {
    self.instant = Mutex(instant)
  }

  func now() -> Instant { instant.withLock { $0 } }

  func localDate(_ instant: Instant) -> CalendarDate {
    CalendarDate(daysSinceEpoch: Int(instant.microseconds / 86_400_000_000))
  }

  func advance(_ duration: Duration) {
    instant.withLock { $0 = $0.advanced(by: duration) }
  }
}
