/// Which subchannels a channel connects, and which of them take its calls (gRPC "Load Balancing
/// Policies").
///
/// A policy is a pure function of what it sees: it is asked again after every change.
package enum LoadBalancingPolicy: String, Sendable, Hashable, CaseIterable {
  /// The first address that answers takes every call, until its connection is lost.
  case pickFirst = "pick_first"
  /// Every address is connected, and calls go to them in turn.
  case roundRobin = "round_robin"

  /// What follows from how the subchannels are, in the order of their addresses.
  ///
  /// - Parameters:
  ///   - isWanted: calls wait for a connection.
  ///   - attemptDelayPassed: the current attempt has had its time, another may begin beside it.
  func decide(
    _ subchannels: [SubchannelStatus], isWanted: Bool, attemptDelayPassed: Bool = false
  ) -> BalancingDecision {
    switch self {
    case .pickFirst:
      BalancingDecision.pickFirst(
        subchannels, isWanted: isWanted, attemptDelayPassed: attemptDelayPassed)
    case .roundRobin: BalancingDecision.roundRobin(subchannels)
    }
  }
}

/// What a load-balancing policy says; subchannels are meant by their places.
struct BalancingDecision: Sendable, Hashable {
  /// The channel's connectivity, with what its picker does: READY picks, TRANSIENT_FAILURE fails
  /// calls, the others queue them.
  enum Outcome: Sendable, Hashable {
    case idle
    case connecting
    case ready([Int])
    case transientFailure(String)
  }

  var outcome: Outcome
  /// To connect now, in this order.
  var connect: [Int] = []
  /// To disconnect: another address has answered.
  var disconnect: [Int] = []
}

extension BalancingDecision {
  /// Addresses are tried in their order; when one takes long, the next is tried beside it. The
  /// first that answers is kept. Without calls that wait nothing is connected (the lazy form of
  /// gRPC's pick_first: the first call after a back-off waits for the attempt).
  static func pickFirst(
    _ subchannels: [SubchannelStatus], isWanted: Bool, attemptDelayPassed: Bool
  ) -> BalancingDecision {
    if let chosen = subchannels.firstIndex(where: { $0.connectivity == .ready }) {
      let others = subchannels.indices.filter { index in
        let state = subchannels[index].connectivity
        return index != chosen && (state == .connecting || state == .ready)
      }
      return BalancingDecision(outcome: .ready([chosen]), disconnect: others)
    }
    let isConnecting = subchannels.contains { $0.connectivity == .connecting }
    let next = subchannels.firstIndex { $0.connectivity == .idle }
    if isWanted, let next, !isConnecting || attemptDelayPassed {
      return BalancingDecision(outcome: .connecting, connect: [next])
    }
    if isConnecting { return BalancingDecision(outcome: .connecting) }
    if next != nil { return BalancingDecision(outcome: .idle) }
    return BalancingDecision(outcome: failure(of: subchannels))
  }

  /// Every address is connected, and again as soon as its back-off is over. A subchannel that has
  /// failed counts as failed until it is READY, so that calls do not wait for attempts that are
  /// likely to fail.
  static func roundRobin(_ subchannels: [SubchannelStatus]) -> BalancingDecision {
    let connect = subchannels.indices.filter { subchannels[$0].connectivity == .idle }
    let ready = subchannels.indices.filter { subchannels[$0].connectivity == .ready }
    if !ready.isEmpty { return BalancingDecision(outcome: .ready(ready), connect: connect) }
    let isHopeful = subchannels.contains { subchannel in
      (subchannel.connectivity == .connecting || subchannel.connectivity == .idle)
        && subchannel.failure == nil
    }
    return BalancingDecision(
      outcome: isHopeful ? .connecting : failure(of: subchannels), connect: connect)
  }

  private static func failure(of subchannels: [SubchannelStatus]) -> Outcome {
    let failures = subchannels.compactMap(\.failure)
    return .transientFailure(failures.last ?? "there is no address")
  }
}
