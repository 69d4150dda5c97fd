internal import RPCCore

/// The retries of one call (gRFC A6): decides, when an attempt has failed, whether and when there
/// is another. Transparent retries are not its business and do not count.
struct RetryState {
  /// What to do after a failed attempt.
  enum Decision: Sendable, Hashable {
    /// The attempt's status is the call's.
    case fail
    /// Another attempt at a monotonic time in nanoseconds.
    case retry(at: UInt64)
  }

  let policy: RetryPolicy
  /// Attempts that have failed, as the next one's `grpc-previous-rpc-attempts` tells.
  private(set) var previousAttempts = 0
  /// The waits since the last one that the server prescribed, which begins them anew.
  private var waits = 0
  /// True once the call cannot be tried again: its answer has begun, or its requests are gone.
  private(set) var isCommitted = false

  init(_ policy: RetryPolicy) { self.policy = policy }

  /// The answer has begun, or the request's messages are more than can be kept.
  mutating func commit() { isCommitted = true }

  /// An attempt ended with a status other than OK.
  ///
  /// - Parameters:
  ///   - now: monotonic time in nanoseconds.
  ///   - random: any number, for the jitter.
  ///   - throttle: the channel's; nil when there is none.
  mutating func attemptFailed(
    _ code: StatusCode, _ pushback: RetryPushback?, deadline: Deadline?, now: UInt64,
    random: UInt64, throttle: inout RetryThrottle?
  ) -> Decision {
    guard !isCommitted else { return .fail }
    let isRetryable = policy.retryableStatusCodes.contains(code)
    guard isRetryable || pushback == .never else { return .fail }
    // A server that pushes back counts as failing whatever its status is.
    let isThrottled = throttle?.callFailed() == true
    guard isRetryable, pushback != .never, !isThrottled,
      previousAttempts + 1 < policy.maxAttempts
    else { return .fail }
    let wait: UInt64
    if case .after(let nanoseconds) = pushback {
      wait = nanoseconds
      waits = 0
    } else {
      wait = policy.backoff.nanoseconds(after: waits, random: random)
      waits += 1
    }
    let (time, overflow) = now.addingReportingOverflow(wait)
    // An attempt that could only meet the deadline would hide what went wrong.
    if overflow { return .fail }
    if let deadline, time >= deadline.uptimeNanoseconds { return .fail }
    previousAttempts += 1
    return .retry(at: time)
  }
}

/// What a server says about retries in `grpc-retry-pushback-ms`.
enum RetryPushback: Sendable, Hashable {
  /// Try again after so many nanoseconds.
  case after(nanoseconds: UInt64)
  /// Do not try again: the value was negative or no number.
  case never

  /// Reads the trailer's value.
  init(_ value: some Collection<UInt8>) {
    guard !value.isEmpty, value.count <= 10 else {
      self = .never
      return
    }
    var milliseconds: UInt64 = 0
    for byte in value {
      guard (0x30...0x39).contains(byte) else {
        self = .never
        return
      }
      milliseconds = milliseconds * 10 + UInt64(byte - 0x30)  // at most ten digits
    }
    self = .after(nanoseconds: milliseconds * 1_000_000)
  }
}
