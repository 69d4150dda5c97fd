internal import SharedDomain

/// The gateway's limits, each with its unit.
package struct GatewayLimits: Sendable, Hashable {
  /// Calls under way from one client address (IPv4 address, or IPv6 network of 64 bits).
  package var callsInFlightPerAddress = 1024
  /// Calls under way altogether.
  package var callsInFlight = 16_384
  /// The time for a call whose client set no deadline.
  package var defaultTimeout: Duration = .seconds(30)
  /// The longest time for a call, whatever its client set.
  package var maximumTimeout: Duration = .minutes(2)
  /// The longest time for a stream, and the time for one whose client set no deadline.
  package var maximumStreamTimeout: Duration = .minutes(60)
  /// The bytes of an `accept-language` that are passed on; a longer one is dropped.
  package var acceptLanguageBytes = 256

  package init() {}
}
