/// Where the time of day comes from; injected, so that tests and simulations move it.
package protocol WallClock: Sendable {
  /// The present instant.
  func now() -> Instant

  /// The calendar date of an instant in the provider's time zone.
  func localDate(_ instant: Instant) -> CalendarDate
}

extension WallClock {
  /// Today in the provider's time zone.
  package func today() -> CalendarDate { localDate(now()) }
}

/// Makes ids: time-ordered, from the injected clock and the system's random generator.
package struct IdentifierGenerator: Sendable {
  private let clock: any WallClock
  private let random: @Sendable () -> UInt64

  package init(clock: any WallClock, random: @escaping @Sendable () -> UInt64) {
    self.clock = clock
    self.random = random
  }

  /// With the system's cryptographically secure generator.
  package init(clock: any WallClock) {
    self.init(clock: clock) {
      var generator = SystemRandomNumberGenerator()
      return generator.next()
    }
  }

  /// A new UUIDv7.
  package func next() -> UniqueID {
    UniqueID(at: clock.now(), random: random(), moreRandom: random())
  }

  /// A new id of the kind that the context asks for.
  package func next<Subject>() -> Identifier<Subject> { Identifier(next()) }
}
