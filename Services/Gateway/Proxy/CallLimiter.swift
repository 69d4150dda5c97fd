internal import RPCCore
internal import Synchronization

/// Counts the calls under way, altogether and for each client address.
final class CallLimiter: Sendable {
  private struct State {
    var total = 0
    var byAddress: [String: Int] = [:]
  }

  private let limits: GatewayLimits
  private let state = Mutex(State())

  init(_ limits: GatewayLimits) { self.limits = limits }

  /// Runs a call if there is room for it.
  ///
  /// - Throws: `RPCError` RESOURCE_EXHAUSTED with reason `CALLS_IN_FLIGHT_PER_ADDRESS_LIMIT` or
  ///   `CALLS_IN_FLIGHT_LIMIT`; and what the call throws.
  func run<Result>(
    from address: ClientAddress, _ call: () async throws -> Result
  ) async throws -> Result {
    let network = address.network
    try enter(network)
    defer { leave(network) }
    return try await call()
  }

  private func enter(_ network: String) throws(RPCError) {
    let refusal: RPCError? = state.withLock { state in
      let count = state.byAddress[network, default: 0]
      guard count < limits.callsInFlightPerAddress else {
        return RPCError(
          .resourceExhausted, reason: "CALLS_IN_FLIGHT_PER_ADDRESS_LIMIT",
          "your address has \(count) calls under way, the most that are taken from one: "
            + "wait for some to end",
          metadata: ["limit": String(limits.callsInFlightPerAddress)])
      }
      guard state.total < limits.callsInFlight else {
        return RPCError(
          .resourceExhausted, reason: "CALLS_IN_FLIGHT_LIMIT",
          "the gateway has as many calls under way as it takes; try again in a moment",
          metadata: ["limit": String(limits.callsInFlight)])
      }
      state.total += 1
      state.byAddress[network] = count + 1
      return nil
    }
    if let refusal { throw refusal }
  }

  private func leave(_ network: String) {
    state.withLock { state in
      state.total -= 1
      guard let count = state.byAddress[network], count > 1 else {
        state.byAddress[network] = nil
        return
      }
      state.byAddress[network] = count - 1
    }
  }
}
