import RPCCore
import TestSupport
import Testing

@testable import RPCTransport

private let millisecond: UInt64 = 1_000_000
/// A random number in the middle, for which the jitter is nothing.
private let middle: UInt64 = 1 << 63

@Suite("Retry")
struct RetryTests {
  private static func state(
    maxAttempts: Int = 4, codes: Set<StatusCode> = [.unavailable]
  ) throws -> RetryState {
    RetryState(
      try RetryPolicy(
        maxAttempts: maxAttempts, initialBackoff: .milliseconds(100),
        maxBackoff: .milliseconds(300),
        backoffMultiplier: 2, retryableStatusCodes: codes))
  }

  /// The wait in milliseconds before the next attempt; nil for none.
  private static func wait(
    _ state: inout RetryState, _ code: StatusCode = .unavailable, _ pushback: RetryPushback? = nil,
    deadline: UInt64? = nil, throttle: inout RetryThrottle?
  ) -> UInt64? {
    let now: UInt64 = 5_000 * millisecond
    let decision = state.attemptFailed(
      code, pushback, deadline: deadline.map { Deadline(uptimeNanoseconds: $0 * millisecond) },
      now: now, random: middle, throttle: &throttle)
    guard case .retry(let time) = decision else { return nil }
    return (time - now) / millisecond
  }

  @Test("Waits double up to the longest, until the attempts are used up")
  func waits() throws {
    var none: RetryThrottle?
    var state = try Self.state(maxAttempts: 5)
    #expect(Self.wait(&state, throttle: &none) == 100)
    #expect(Self.wait(&state, throttle: &none) == 200)
    #expect(Self.wait(&state, throttle: &none) == 300)
    #expect(state.previousAttempts == 3)
    #expect(Self.wait(&state, throttle: &none) == 300)
    #expect(Self.wait(&state, throttle: &none) == nil)
    #expect(state.previousAttempts == 4)
  }

  @Test("Only the policy's codes are tried again")
  func codes() throws {
    for code in StatusCode.allCases where code != .ok {
      var none: RetryThrottle?
      var state = try Self.state(codes: [.unavailable, .aborted])
      let isRetried = Self.wait(&state, code, throttle: &none) != nil
      #expect(isRetried == (code == .unavailable || code == .aborted))
    }
  }

  @Test("A call whose answer has begun is committed")
  func committed() throws {
    var none: RetryThrottle?
    var state = try Self.state()
    #expect(Self.wait(&state, throttle: &none) != nil)
    state.commit()
    #expect(Self.wait(&state, throttle: &none) == nil)
  }

  @Test("No attempt begins at the deadline or later: the status that is known is the call's")
  func deadline() throws {
    var none: RetryThrottle?
    var state = try Self.state()
    #expect(Self.wait(&state, deadline: 5_101, throttle: &none) == 100)
    #expect(Self.wait(&state, deadline: 5_200, throttle: &none) == nil)
  }

  @Test("The server's wait is kept to, and begins the back-off anew")
  func pushback() throws {
    var none: RetryThrottle?
    var state = try Self.state(maxAttempts: 5)
    #expect(Self.wait(&state, throttle: &none) == 100)
    #expect(
      Self.wait(&state, .unavailable, .after(nanoseconds: 7 * millisecond), throttle: &none) == 7)
    #expect(Self.wait(&state, throttle: &none) == 100)
    #expect(Self.wait(&state, .unavailable, .never, throttle: &none) == nil)
  }

  @Test(
    "A pushback is a number of milliseconds, everything else forbids retries",
    arguments: [
      ("0", 0), ("17", 17), ("9999999999", 9_999_999_999), ("-1", nil), ("", nil), ("1.5", nil),
      ("+1", nil), (" 1", nil), ("99999999999999999999", nil), ("abc", nil),
    ] as [(String, UInt64?)])
  func pushbackText(text: String, milliseconds: UInt64?) {
    let expected = milliseconds.map { RetryPushback.after(nanoseconds: $0 * millisecond) }
    #expect(RetryPushback(text.utf8) == expected ?? .never)
  }

  @Test("A pushback beyond the end of time is no retry")
  func longPushback() throws {
    var none: RetryThrottle?
    var state = try Self.state()
    let decision = state.attemptFailed(
      .unavailable, .after(nanoseconds: 9_999_999_999 * millisecond), deadline: nil, now: .max - 5,
      random: middle, throttle: &none)
    #expect(decision == .fail)
  }

  @Test("Retries stop while half of the tokens are gone, and come back with successes")
  func throttling() throws {
    var throttle: RetryThrottle? = RetryThrottle(try RetryThrottling(maxTokens: 4, tokenRatio: 0.5))
    var state = try Self.state()
    #expect(Self.wait(&state, throttle: &throttle) != nil)  // 3 of 4 are left
    #expect(Self.wait(&state, throttle: &throttle) == nil)  // 2 of 4
    var another = try Self.state()
    #expect(Self.wait(&another, throttle: &throttle) == nil)  // 1 of 4
    // Codes that are not retried cost nothing.
    #expect(Self.wait(&another, .notFound, throttle: &throttle) == nil)
    for _ in 0..<4 { throttle?.callSucceeded() }  // 3 of 4
    #expect(Self.wait(&another, throttle: &throttle) == nil)  // 2 of 4
    for _ in 0..<3 { throttle?.callSucceeded() }
    #expect(Self.wait(&another, throttle: &throttle) != nil)
    // The bucket does not overflow.
    for _ in 0..<1000 { throttle?.callSucceeded() }
    var third = try Self.state()
    #expect(Self.wait(&third, throttle: &throttle) != nil)
    #expect(Self.wait(&third, throttle: &throttle) == nil)
  }

  @Test("A server that pushes back takes a token whatever the status is")
  func throttledPushback() throws {
    var throttle: RetryThrottle? = RetryThrottle(try RetryThrottling(maxTokens: 4, tokenRatio: 0.5))
    var state = try Self.state()
    #expect(Self.wait(&state, .notFound, .never, throttle: &throttle) == nil)
    #expect(Self.wait(&state, throttle: &throttle) == nil)
  }

  @Test("Whatever happens, attempts stay within the policy and the deadline", arguments: 0..<20)
  func property(run: Int) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix(state: seed)
    var state = try Self.state(maxAttempts: Int(random.next() % 4) + 2)
    var throttle: RetryThrottle? =
      random.next() % 2 == 0
      ? nil : RetryThrottle(try RetryThrottling(maxTokens: 10, tokenRatio: 0.1))
    let deadline = Deadline(uptimeNanoseconds: 10_000 * millisecond)
    var now: UInt64 = 9_000 * millisecond
    var attempts = 1
    while true {
      let pushback: RetryPushback? =
        random.next() % 3 == 0 ? .after(nanoseconds: random.next() % (200 * millisecond)) : nil
      let decision = state.attemptFailed(
        .unavailable, pushback, deadline: deadline, now: now, random: random.next(),
        throttle: &throttle)
      guard case .retry(let time) = decision else { break }
      #expect(time >= now && time < deadline.uptimeNanoseconds, "seed \(seed)")
      now = time
      attempts += 1
      #expect(state.previousAttempts == attempts - 1, "seed \(seed)")
    }
    #expect(attempts <= state.policy.maxAttempts, "seed \(seed)")
  }
}
