internal import Bootstrap
internal import GatewayProxy
internal import Logging
internal import RPCCore
internal import RPCTransport
internal import SharedDomain

extension Setting where Value == Int {
  /// `limits.calls_per_address`
  fileprivate static var callsPerAddress: Setting {
    .number(
      "limits.calls_per_address", "calls under way from one client address", in: 1...1_000_000,
      default: "1024")
  }
  /// `limits.calls`
  fileprivate static var calls: Setting {
    .number(
      "limits.calls", "calls under way altogether", in: 1...1_000_000, default: "16384")
  }
}

extension Setting where Value == Duration {
  /// `timeout.default`
  fileprivate static var defaultTimeout: Setting {
    .duration(
      "timeout.default", "time for a call whose client set no deadline",
      in: .milliseconds(1)...(.hours(1)), default: "30s")
  }
  /// `timeout.maximum`
  fileprivate static var maximumTimeout: Setting {
    .duration(
      "timeout.maximum", "longest time for a call, whatever its client set",
      in: .milliseconds(1)...(.hours(1)), default: "2m")
  }
}

do {
  // What is configured.
  let configuration = try ServiceConfiguration(
    .gateway,
    settings: CommonSettings.all(for: .gateway) + [
      Setting<Int>.callsPerAddress, Setting<Int>.calls, Setting<Duration>.defaultTimeout,
      Setting<Duration>.maximumTimeout,
    ], sources: .process)
  let logger = Logger(configuration)
  let termination = Termination(configuration, logger: logger)
  var limits = GatewayLimits()
  limits.callsInFlightPerAddress = configuration[.callsPerAddress]
  limits.callsInFlight = configuration[.calls]
  limits.defaultTimeout = configuration[.defaultTimeout]
  limits.maximumTimeout = configuration[.maximumTimeout]

  // What is served: the routed services of the others, and the own health.
  let network = try ServiceNetwork(configuration, logger: logger)
  let channels = [
    Backend.identity: network.channel(to: .identity),
    .organizations: network.channel(to: .organizations),
    .shop: network.channel(to: .shop),
    .accounting: network.channel(to: .accounting),
  ]
  let health = ServingStatus(services: [])
  let server = try network.publicServer(
    health: health, forwarded: RouteTable.published.services,
    fallback: GatewayProxy(routes: .published, channels: channels, limits: limits))

  // Until the end is requested.
  let run = ServiceRun(configuration, health: health, termination: termination, logger: logger)
  try await run.run(server, background: [network.certificateWatch(termination)])
  for channel in channels.values { await channel.close() }
  await network.close()
} catch {
  Program.end(.gateway, with: error)
}
