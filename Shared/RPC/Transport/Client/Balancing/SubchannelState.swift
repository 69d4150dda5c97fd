internal import RPCCore

/// The state machine of a subchannel: one address, its connectivity and its back-off (gRPC
/// "Connectivity Semantics and API", "Connection Backoff Protocol").
///
/// Times are monotonic nanoseconds. Waits count from the beginning of the attempt that failed.
struct SubchannelState {
  private(set) var connectivity = ConnectivityState.idle
  /// What went wrong last; nil since the last success, and before the first failure.
  private(set) var failure: String?
  private let backoff: Backoff
  private var failedAttempts = 0
  /// The last connection lived for less than the first wait.
  private var wasShortLived = false
  private var attemptBegan: UInt64 = 0
  /// Nil while no back-off runs.
  private var backoffEnds: UInt64?

  init(backoff: Backoff) { self.backoff = backoff }

  /// What a load-balancing policy sees.
  var status: SubchannelStatus { SubchannelStatus(connectivity: connectivity, failure: failure) }

  /// An attempt begins; false when the subchannel is not idle.
  mutating func attemptBegins(now: UInt64) -> Bool {
    guard connectivity == .idle else { return false }
    connectivity = .connecting
    attemptBegan = now
    return true
  }

  /// The connection is up, and the server serves where that is asked for.
  mutating func becameReady() {
    guard connectivity != .shutdown else { return }
    connectivity = .ready
    failure = nil
  }

  /// The connection is up, but the server says that it does not serve, or does not say.
  mutating func becameUnhealthy(_ reason: String) {
    guard connectivity != .shutdown else { return }
    connectivity = .transientFailure
    failure = reason
  }

  /// An attempt failed; returns when the back-off ends.
  mutating func attemptFailed(_ reason: String, now: UInt64, random: UInt64) -> UInt64? {
    guard connectivity != .shutdown else { return nil }
    connectivity = .transientFailure
    failure = reason
    let wait = backoff.nanoseconds(after: failedAttempts, random: random)
    failedAttempts = min(failedAttempts + 1, 1000)
    let (end, overflow) = attemptBegan.addingReportingOverflow(wait)
    let time = max(overflow ? .max : end, now)
    backoffEnds = time
    return time
  }

  /// The connection ended, or takes no more calls.
  ///
  /// The second in a row that lived for less than the first wait counts as a failed attempt, or a
  /// server that drops every connection would be asked for the next without a pause; then the end of
  /// the back-off is returned. A single one does not: a server that goes away while a client has
  /// just come must not fail the calls that it left to be sent again.
  mutating func connectionLost(_ reason: String, now: UInt64, random: UInt64) -> UInt64? {
    guard connectivity != .shutdown else { return nil }
    let age = now >= attemptBegan ? now - attemptBegan : 0
    guard age >= backoff.initial.saturatedNanoseconds else {
      guard !wasShortLived else {
        return attemptFailed(reason, now: now, random: random)
      }
      wasShortLived = true
      connectivity = .idle
      return nil
    }
    wasShortLived = false
    failedAttempts = 0
    connectivity = .idle
    return nil
  }

  /// Time has passed; true when the back-off is over, and the subchannel idle.
  mutating func backoffEnded(now: UInt64) -> Bool {
    guard connectivity == .transientFailure, let end = backoffEnds, now >= end else { return false }
    backoffEnds = nil
    connectivity = .idle
    return true
  }

  /// Nobody wants the connection or the attempt any more.
  mutating func disconnected() {
    guard connectivity == .connecting || connectivity == .ready else { return }
    connectivity = .idle
  }

  mutating func shutDown() { connectivity = .shutdown }
}

/// A subchannel as a load-balancing policy sees it.
struct SubchannelStatus: Sendable, Hashable {
  var connectivity: ConnectivityState
  /// What went wrong since the subchannel was READY last; nil for nothing.
  var failure: String?

  init(connectivity: ConnectivityState, failure: String? = nil) {
    self.connectivity = connectivity
    self.failure = failure
  }
}
