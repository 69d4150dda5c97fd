import Testing

@testable import RPCTransport

private let second: UInt64 = 1_000_000_000
private let middle: UInt64 = 1 << 63

/// Lets `#expect` look at the result of a mutating call.
func outcome<Value>(_ value: Value) -> Value { value }

@Suite("Subchannel state")
struct SubchannelStateTests {
  @Test("Failed attempts wait longer and longer, counted from their beginning")
  func backoff() {
    var state = SubchannelState(backoff: .connection)
    var now: UInt64 = 100 * second
    #expect(state.connectivity == .idle)
    for wait in [1.0, 1.6, 2.56] {
      #expect(outcome(state.attemptBegins(now: now)))
      #expect(!outcome(state.attemptBegins(now: now)))
      #expect(state.connectivity == .connecting)
      let end = state.attemptFailed("refused", now: now + second / 2, random: middle)
      let expected = now + UInt64(wait * 1e9)
      #expect(end == expected)
      #expect(state.status == SubchannelStatus(connectivity: .transientFailure, failure: "refused"))
      #expect(!outcome(state.attemptBegins(now: now + second)))
      #expect(!outcome(state.backoffEnded(now: expected - 1)))
      #expect(outcome(state.backoffEnded(now: expected)))
      #expect(state.status == SubchannelStatus(connectivity: .idle, failure: "refused"))
      now = expected
    }
  }

  @Test("An attempt that took longer than the back-off is followed at once")
  func slowAttempt() {
    var state = SubchannelState(backoff: .connection)
    #expect(outcome(state.attemptBegins(now: 0)))
    #expect(outcome(state.attemptFailed("slow", now: 10 * second, random: middle)) == 10 * second)
    #expect(outcome(state.backoffEnded(now: 10 * second)))
  }

  @Test(
    "A connection that lasted begins the back-off anew, the second that did not goes on with it")
  func connectionLost() {
    var state = SubchannelState(backoff: .connection)
    #expect(outcome(state.attemptBegins(now: 0)))
    #expect(outcome(state.attemptFailed("refused", now: 0, random: middle)) == second)
    #expect(outcome(state.backoffEnded(now: second)))
    #expect(outcome(state.attemptBegins(now: second)))
    state.becameReady()
    #expect(state.status == SubchannelStatus(connectivity: .ready))
    #expect(outcome(state.connectionLost("dropped", now: second + 1, random: middle)) == nil)
    #expect(state.connectivity == .idle)
    #expect(outcome(state.attemptBegins(now: second + 1)))
    state.becameReady()
    let early = state.connectionLost("dropped", now: second + 2, random: middle)
    #expect(early == second + 1 + UInt64(1.6e9))
    #expect(state.connectivity == .transientFailure)
    #expect(outcome(state.backoffEnded(now: 3 * second)))
    #expect(outcome(state.attemptBegins(now: 3 * second)))
    state.becameReady()
    #expect(outcome(state.connectionLost("dropped", now: 9 * second, random: middle)) == nil)
    #expect(state.status == SubchannelStatus(connectivity: .idle))
    #expect(outcome(state.attemptBegins(now: 9 * second)))
    #expect(outcome(state.attemptFailed("refused", now: 9 * second, random: middle)) == 10 * second)
  }

  @Test("Only a server that serves is READY")
  func health() {
    var state = SubchannelState(backoff: .connection)
    #expect(outcome(state.attemptBegins(now: 0)))
    state.becameUnhealthy("NOT_SERVING")
    #expect(state.connectivity == .transientFailure)
    #expect(!outcome(state.backoffEnded(now: .max)))
    state.becameReady()
    #expect(state.connectivity == .ready)
    state.becameUnhealthy("NOT_SERVING")
    #expect(outcome(state.connectionLost("lost", now: 5 * second, random: middle)) == nil)
    #expect(state.status == SubchannelStatus(connectivity: .idle, failure: "NOT_SERVING"))
  }

  @Test("SHUTDOWN is for good")
  func shutdown() {
    var state = SubchannelState(backoff: .connection)
    #expect(outcome(state.attemptBegins(now: 0)))
    state.shutDown()
    state.becameReady()
    state.becameUnhealthy("x")
    state.disconnected()
    #expect(outcome(state.attemptFailed("x", now: 0, random: 0)) == nil)
    #expect(outcome(state.connectionLost("x", now: 0, random: 0)) == nil)
    #expect(!outcome(state.backoffEnded(now: .max)))
    #expect(!outcome(state.attemptBegins(now: 0)))
    #expect(state.connectivity == .shutdown)
  }
}

@Suite("Load-balancing policies")
struct LoadBalancingPolicyTests {
  private static let idle = SubchannelStatus(connectivity: .idle)
  private static let connecting = SubchannelStatus(connectivity: .connecting)
  private static let ready = SubchannelStatus(connectivity: .ready)
  private static func failed(_ reason: String) -> SubchannelStatus {
    SubchannelStatus(connectivity: .transientFailure, failure: reason)
  }

  private static func pickFirst(
    _ subchannels: [SubchannelStatus], isWanted: Bool = true, attemptDelayPassed: Bool = false
  ) -> BalancingDecision {
    LoadBalancingPolicy.pickFirst.decide(
      subchannels, isWanted: isWanted, attemptDelayPassed: attemptDelayPassed)
  }

  private static func roundRobin(_ subchannels: [SubchannelStatus]) -> BalancingDecision {
    LoadBalancingPolicy.roundRobin.decide(subchannels, isWanted: false)
  }

  @Test("pick_first stays idle until a call waits")
  func pickFirstIdle() {
    #expect(
      Self.pickFirst([Self.idle, Self.idle], isWanted: false) == BalancingDecision(outcome: .idle))
    #expect(
      Self.pickFirst([Self.idle, Self.idle])
        == BalancingDecision(outcome: .connecting, connect: [0]))
  }

  @Test("pick_first tries the addresses in their order, the next when one fails or takes long")
  func pickFirstOrder() {
    let waiting = [Self.connecting, Self.idle, Self.idle]
    #expect(Self.pickFirst(waiting) == BalancingDecision(outcome: .connecting))
    #expect(
      Self.pickFirst(waiting, attemptDelayPassed: true)
        == BalancingDecision(outcome: .connecting, connect: [1]))
    #expect(
      Self.pickFirst([Self.failed("a"), Self.idle, Self.idle])
        == BalancingDecision(outcome: .connecting, connect: [1]))
    #expect(
      Self.pickFirst([Self.failed("a"), Self.connecting]) == BalancingDecision(outcome: .connecting)
    )
    #expect(
      Self.pickFirst([Self.failed("a"), Self.failed("b")])
        == BalancingDecision(outcome: .transientFailure("b")))
  }

  @Test("pick_first keeps the address that answered and lets the others go")
  func pickFirstChosen() {
    #expect(
      Self.pickFirst([Self.connecting, Self.ready, Self.connecting, Self.failed("a"), Self.ready])
        == BalancingDecision(outcome: .ready([1]), disconnect: [0, 2, 4]))
    #expect(
      Self.pickFirst([Self.idle, Self.ready], isWanted: false)
        == BalancingDecision(outcome: .ready([1])))
  }

  @Test("pick_first without an address fails")
  func pickFirstEmpty() {
    #expect(
      Self.pickFirst([]) == BalancingDecision(outcome: .transientFailure("there is no address")))
  }

  @Test("round_robin connects every address and picks among those that are READY")
  func roundRobinReady() {
    #expect(
      Self.roundRobin([Self.idle, Self.idle])
        == BalancingDecision(outcome: .connecting, connect: [0, 1]))
    #expect(
      Self.roundRobin([Self.connecting, Self.failed("a")])
        == BalancingDecision(outcome: .connecting))
    #expect(
      Self.roundRobin([Self.ready, Self.failed("a"), Self.idle, Self.ready])
        == BalancingDecision(outcome: .ready([0, 3]), connect: [2]))
  }

  @Test("round_robin fails when all have failed, and until one is READY")
  func roundRobinFailed() {
    let retrying = SubchannelStatus(connectivity: .connecting, failure: "a")
    let rested = SubchannelStatus(connectivity: .idle, failure: "a")
    #expect(
      Self.roundRobin([Self.failed("a"), Self.failed("b")])
        == BalancingDecision(outcome: .transientFailure("b")))
    #expect(
      Self.roundRobin([retrying, Self.failed("b")])
        == BalancingDecision(outcome: .transientFailure("b")))
    #expect(
      Self.roundRobin([rested, Self.failed("b")])
        == BalancingDecision(outcome: .transientFailure("b"), connect: [0]))
    #expect(
      Self.roundRobin([retrying, Self.ready]) == BalancingDecision(outcome: .ready([1])))
  }

  @Test("A picker takes its subchannels in turn and passes over those without room")
  func picker() {
    var picker = Picker([0, 1, 2], random: 7)
    let all = (0..<6).map { _ in picker.pick { $0 } }
    #expect(all == [1, 2, 0, 1, 2, 0])
    let odd = (0..<3).map { _ in picker.pick { $0 == 1 ? $0 : nil } }
    #expect(odd == [1, 1, 1])
    let none = picker.pick { _ in Int?.none }
    var empty = Picker<Int>([])
    let nobody = empty.pick { $0 }
    #expect(none == nil && nobody == nil && empty.isEmpty)
  }
}
