import RPCCore
import Testing

@testable import RPCTransport

@Suite("Service config")
struct ServiceConfigTests {
  private static func policy(
    maxAttempts: Int = 3, initialBackoff: Duration = .milliseconds(100),
    maxBackoff: Duration = .seconds(1), backoffMultiplier: Double = 2,
    codes: Set<StatusCode> = [.unavailable]
  ) throws(ServiceConfigError) -> RetryPolicy {
    try RetryPolicy(
      maxAttempts: maxAttempts, initialBackoff: initialBackoff, maxBackoff: maxBackoff,
      backoffMultiplier: backoffMultiplier, retryableStatusCodes: codes)
  }

  @Test("A retry policy names the value that is out of range")
  func retryPolicy() throws {
    func field(_ body: () throws(ServiceConfigError) -> RetryPolicy) -> String? {
      do throws(ServiceConfigError) {
        _ = try body()
        return nil
      } catch {
        return error.field
      }
    }
    for attempts in [0, 1, 6] {
      #expect(
        field { () throws(ServiceConfigError) in try Self.policy(maxAttempts: attempts) }
          == "retryPolicy.maxAttempts")
    }
    #expect(
      field { () throws(ServiceConfigError) in try Self.policy(initialBackoff: .zero) }
        == "retryPolicy.initialBackoff")
    #expect(
      field { () throws(ServiceConfigError) in try Self.policy(maxBackoff: .zero) }
        == "retryPolicy.maxBackoff")
    for multiplier in [0, -1, .infinity, .nan] {
      #expect(
        field { () throws(ServiceConfigError) in try Self.policy(backoffMultiplier: multiplier) }
          == "retryPolicy.backoffMultiplier")
    }
    for codes in [[], [.ok, .unavailable]] as [Set<StatusCode>] {
      #expect(
        field { () throws(ServiceConfigError) in try Self.policy(codes: codes) }
          == "retryPolicy.retryableStatusCodes")
    }
    #expect(try Self.policy(maxAttempts: 5).maxAttempts == 5)
  }

  @Test("The other values are checked too, and the error says what was expected")
  func otherValues() throws {
    let throttling = #expect(throws: ServiceConfigError.self) {
      try RetryThrottling(maxTokens: 1001, tokenRatio: 0.1)
    }
    #expect(throttling?.description == "retryThrottling.maxTokens is 1001, expected 1 to 1000")
    #expect(throws: ServiceConfigError.self) { try RetryThrottling(maxTokens: 10, tokenRatio: 0) }
    #expect(throws: ServiceConfigError.self) {
      try RetryThrottling(maxTokens: 10, tokenRatio: .nan)
    }
    #expect(throws: ServiceConfigError.self) { try MethodConfig([]) }
    #expect(throws: ServiceConfigError.self) { try MethodConfig([.service("")]) }
    #expect(throws: ServiceConfigError.self) { try MethodConfig([.all], timeout: .zero) }
    #expect(throws: ServiceConfigError.self) {
      try MethodConfig([.all], maxRequestMessageBytes: -1)
    }
    let twice = #expect(throws: ServiceConfigError.self) {
      try ServiceConfig(methodConfigs: [
        MethodConfig([.service("a")]), MethodConfig([.service("a")]),
      ])
    }
    #expect(twice?.field == "methodConfig[1].name")
  }

  @Test("The most exact name of a method wins")
  func selection() throws {
    func config(_ name: MethodConfig.Name, _ seconds: Int) throws -> MethodConfig {
      try MethodConfig([name], timeout: .seconds(seconds))
    }
    let table = MethodConfigTable(
      try ServiceConfig(methodConfigs: [
        config(.all, 1), config(.readOnly, 2), config(.service("a.B"), 3),
        config(.method(service: "a.B", name: "C"), 4), config(.idempotent, 5),
      ]))
    func seconds(
      _ service: String, _ name: String, _ idempotency: MethodDescriptor.Idempotency = .unknown
    )
      -> Duration?
    {
      table[MethodDescriptor(service: service, name: name, idempotency: idempotency)]?.timeout
    }
    #expect(seconds("x.Y", "Z") == .seconds(1))
    #expect(seconds("x.Y", "Z", .noSideEffects) == .seconds(2))
    #expect(seconds("x.Y", "Z", .idempotent) == .seconds(5))
    #expect(seconds("a.B", "Z", .noSideEffects) == .seconds(3))
    #expect(seconds("a.B", "C") == .seconds(4))
    let repeatable = MethodConfigTable(try ServiceConfig(methodConfigs: [config(.idempotent, 1)]))
    for idempotency in [MethodDescriptor.Idempotency.idempotent, .noSideEffects] {
      let method = MethodDescriptor(service: "a", name: "b", idempotency: idempotency)
      #expect(repeatable[method]?.timeout == .seconds(1))
    }
    #expect(repeatable[MethodDescriptor(service: "a", name: "b")] == nil)
    #expect(MethodConfigTable(.standard)[MethodDescriptor(service: "a", name: "b")] == nil)
  }
}

@Suite("Back-off")
struct BackoffTests {
  @Test("gRPC's waits between connections grow by 1.6 from 1 s to 120 s")
  func growth() {
    let middle = UInt64(1) << 63
    var expected = 1.0
    for failures in 0..<40 {
      let wait = Double(Backoff.connection.nanoseconds(after: failures, random: middle)) / 1e9
      #expect(abs(wait - min(expected, 120)) < 0.001)
      expected *= 1.6
    }
  }

  @Test("Chance adds or takes at most a fifth")
  func jitter() {
    var chance = SystemRandomNumberGenerator()
    for failures in 0..<20 {
      let middle = Double(Backoff.connection.nanoseconds(after: failures, random: 1 << 63))
      let least = Double(Backoff.connection.nanoseconds(after: failures, random: 0))
      let most = Double(Backoff.connection.nanoseconds(after: failures, random: .max))
      #expect(abs(least - middle * 0.8) < 1000 && abs(most - middle * 1.2) < 1000)
      let any = Double(Backoff.connection.nanoseconds(after: failures, random: chance.next()))
      #expect(any >= least && any <= most)
    }
  }

  @Test("Extreme values neither overflow nor loop")
  func extremes() {
    let long = Backoff(
      initial: .seconds(Int64.max), maximum: .seconds(Int64.max), multiplier: 1e300, jitter: 0.9)
    #expect(long.nanoseconds(after: .max, random: .max) > 1 << 60)
    let still = Backoff(
      initial: .nanoseconds(1), maximum: .seconds(1), multiplier: 1e-300, jitter: 0)
    #expect(still.nanoseconds(after: .max, random: 0) == 0)
  }
}
