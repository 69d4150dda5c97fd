/// When a channel's names are resolved: when they are needed first, again after connections fail,
/// but not more often than at a minimum interval, and with back-off after failures.
///
/// Times are monotonic nanoseconds.
struct ResolutionState {
  /// What to do now.
  enum Action: Sendable, Hashable {
    case none
    /// Ask the resolver.
    case resolve
    /// Call `timePassed` at this time.
    case wait(until: UInt64)
  }

  private enum Phase {
    case idle
    case resolving
    /// No resolution before a time; one follows then if it was asked for.
    case resting(until: UInt64, isAsked: Bool)
  }

  private var phase = Phase.idle
  private var failures = 0
  private let minimumInterval: UInt64
  private let backoff: Backoff

  /// - Parameter minimumInterval: between two resolutions, in nanoseconds.
  init(minimumInterval: UInt64, backoff: Backoff) {
    self.minimumInterval = minimumInterval
    self.backoff = backoff
  }

  /// True while an answer is under way.
  var isResolving: Bool { if case .resolving = phase { true } else { false } }

  /// True when a resolution that is asked for now would begin at once.
  func isRested(now: UInt64) -> Bool {
    if case .resting(let until, _) = phase { now >= until } else { true }
  }

  /// The addresses are needed, or have proved wrong.
  mutating func request(now: UInt64) -> Action {
    switch phase {
    case .resolving:
      return .none
    case .resting(let until, let isAsked) where now < until:
      phase = .resting(until: until, isAsked: true)
      return isAsked ? .none : .wait(until: until)
    case .idle, .resting:
      phase = .resolving
      return .resolve
    }
  }

  /// The time of a `wait` has come.
  mutating func timePassed(now: UInt64) -> Action {
    guard case .resting(let until, true) = phase, now >= until else { return .none }
    phase = .resolving
    return .resolve
  }

  mutating func succeeded(now: UInt64) {
    failures = 0
    phase = .resting(until: now &+ minimumInterval, isAsked: false)
  }

  mutating func failed(now: UInt64, random: UInt64) {
    let wait = backoff.nanoseconds(after: failures, random: random)
    failures = min(failures + 1, 1000)
    phase = .resting(until: now &+ wait, isAsked: false)
  }
}
