import SharedDomain
import Testing

@testable import Bootstrap

@Suite("System clock", .serialized)
struct SystemClockTests {
  @Test("a day begins at local midnight, in winter and in summer")
  func localDates() throws {
    let clock = try SystemClock(timezone: "Europe/Zurich")
    func date(_ seconds: Int64) -> String {
      clock.localDate(Instant(microseconds: seconds * 1_000_000)).text
    }
    #expect(date(1_767_221_999) == "2025-12-31")  // 22:59:59 UTC
    #expect(date(1_767_222_000) == "2026-01-01")
    #expect(date(1_782_856_799) == "2026-06-30")  // 21:59:59 UTC
    #expect(date(1_782_856_800) == "2026-07-01")
  }

  @Test("instants before 1970 round towards the past, and the ends of the range are dates")
  func ends() throws {
    let clock = try SystemClock(timezone: "Europe/Zurich")
    #expect(clock.localDate(Instant(microseconds: -3_600_000_001)).text == "1969-12-31")
    #expect(clock.localDate(Instant(microseconds: -3_600_000_000)).text == "1970-01-01")
    #expect(clock.localDate(Instant(microseconds: .min)).year == 1)
    #expect(clock.localDate(Instant(microseconds: .max)).year == 9999)
  }

  @Test("the offset moves the clock")
  func offset() throws {
    let plain = try SystemClock(timezone: "Europe/Zurich")
    let moved = try SystemClock(timezone: "Europe/Zurich", offset: .seconds(86_400))
    let difference = moved.now().since(plain.now())
    #expect(difference > .seconds(86_000) && difference < .seconds(86_800))
  }

  @Test(
    "an unknown zone is refused instead of taken for UTC",
    arguments: ["Europe/Zuerich", "", "../etc/passwd", "/etc/passwd", "Europe", "a b"])
  func unknownZones(_ name: String) {
    #expect(throws: ConfigurationError.self) { try SystemClock(timezone: name) }
  }
}
