internal import Glibc
package import SharedDomain

/// The wall clock of a running service: the system's time of day, moved by an offset in development,
/// and calendar dates in the provider's time zone by glibc's zone data.
///
/// The zone is the process's (`TZ`): one clock a process, made at start before other threads run.
package struct SystemClock: WallClock {
  private let offset: Duration

  /// Sets the process's time zone.
  ///
  /// - Throws: ``ConfigurationError`` when the system has no such zone (glibc would take UTC).
  package init(timezone: String, offset: Duration = .zero) throws(ConfigurationError) {
    guard Self.isInstalled(timezone) else {
      throw ConfigurationError(
        .invalidValue,
        "timezone = \(quoted(timezone)) is not in \(Self.zoneFolder); is tzdata installed?")
    }
    // Writing the environment races with whoever reads it: once, and never to the same effect.
    let zone = ":\(timezone)"
    let current = unsafe getenv("TZ").map { unsafe String(cString: $0) }
    if current != zone {
      unsafe setenv("TZ", zone, 1)
      tzset()
    }
    self.offset = offset
  }

  /// The clock of a configured service, by `timezone` and `development.clock_offset`.
  package init(_ configuration: ServiceConfiguration) throws(ConfigurationError) {
    try self.init(timezone: configuration[.timezone], offset: configuration[.clockOffset])
  }

  package func now() -> Instant {
    Instant(microseconds: systemMicroseconds()).advanced(by: offset)
  }

  package func localDate(_ instant: Instant) -> CalendarDate {
    // Rounds towards the past, also before 1970.
    let seconds = instant.microseconds / 1_000_000 - (instant.microseconds % 1_000_000 < 0 ? 1 : 0)
    // The range that a CalendarDate has, with a day to spare for the zone.
    var time = time_t(min(max(seconds, -62_135_510_400), 253_402_214_400))
    var parts = unsafe tm()
    guard unsafe localtime_r(&time, &parts) != nil,
      let date = unsafe CalendarDate(
        year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday))
    else {
      preconditionFailure("localtime_r knows every second between the years 1 and 9999")
    }
    return date
  }

  private static let zoneFolder = "/usr/share/zoneinfo"

  private static func isInstalled(_ name: String) -> Bool {
    let isName =
      !name.isEmpty && !name.hasPrefix("/") && !name.contains("..")
      && name.utf8.allSatisfy { byte in
        Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
          || "/_+-".utf8.contains(byte)
      }
    var information = stat()
    guard isName, unsafe stat("\(zoneFolder)/\(name)", &information) == 0 else { return false }
    return information.st_mode & S_IFMT == S_IFREG
  }
}
