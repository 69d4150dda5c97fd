import Glibc
import Logging
import Synchronization
import Testing

@testable import Bootstrap

private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// What happened, in order.
private final class Steps: Sendable {
  private let steps = Mutex<[String]>([])

  var all: [String] { steps.withLock { $0 } }

  func add(_ step: String) {
    steps.withLock { $0.append(step) }
  }
}

@Suite("Lifecycle", .serialized)
struct LifecycleTests {
  private struct Refused: Error {}

  private func termination(signals: Bool = false) -> Termination {
    Termination(signals: signals, lifeline: nil, limit: .seconds(600), logger: silent)
  }

  private func run(_ health: ServingStatus, _ termination: Termination) -> ServiceRun {
    ServiceRun(health: health, termination: termination, grace: .seconds(3), logger: silent)
  }

  @Test("a request to end tells NOT_SERVING, then drains, then cancels the background work")
  func order() async throws {
    let steps = Steps()
    let health = ServingStatus(services: ["a.B"])
    let termination = termination()
    #expect(health.state(of: "") == .notServing)
    try await run(health, termination).run(
      start: {
        steps.add("start \(health.state(of: "a.B") == .serving)")
        return 1
      },
      drain: { grace in
        steps.add("drain \(grace == .seconds(3)) \(health.state(of: "a.B") == .serving)")
      },
      background: [
        .init("relay") {
          steps.add("relay")
          termination.request(.terminate)
          await untilCancelled()
          steps.add("cancelled")
        }
      ])
    #expect(steps.all == ["start false", "relay", "drain true false", "cancelled"])
  }

  @Test("a start that fails is thrown, and nothing is drained")
  func failedStart() async {
    let health = ServingStatus(services: [])
    await #expect(throws: Refused.self) {
      try await run(health, termination()).run(
        start: { throw Refused() }, drain: { _ in Issue.record("drained") })
    }
    #expect(health.state(of: "") == .notServing)
  }

  @Test("background work that ends by itself stops the service with an error")
  func failedBackground() async throws {
    let steps = Steps()
    let error = await #expect(throws: ServiceRun.BackgroundEnded.self) {
      try await run(ServingStatus(services: []), termination()).run(
        start: { 1 }, drain: { _ in steps.add("drain") },
        background: [.init("relay") { throw Refused() }])
    }
    #expect(error?.description == "relay failed: Refused()")
    #expect(steps.all == ["drain"])
  }

  @Test("SIGTERM is a request to end")
  func signal() async {
    let termination = termination(signals: true)
    kill(getpid(), SIGTERM)
    #expect(await termination.requested() == .terminate)
  }

  @Test("the end of the lifeline is a request to end, what is written to it is not")
  func lifeline() async throws {
    for _ in 0..<50 {
      var ends: [Int32] = [-1, -1]
      try #require(pipe(&ends) == 0)
      let termination = Termination(
        signals: false, lifeline: ends[0], limit: .seconds(600), logger: silent)
      #expect(write(ends[1], "x", 1) == 1)
      close(ends[1])
      #expect(await termination.requested() == .parentGone)
      close(ends[0])
    }
  }

  @Test("a failure is one line without control characters")
  func failureLine() {
    struct Odd: Error, CustomStringConvertible {
      let description: String
    }
    #expect(
      Program.failureLine("kontor-shop", Odd(description: "a\nb\u{1B}[0m\r"))
        == "kontor-shop: a b\\u{1b}[0m\\u{d}\n")
    #expect(
      Program.failureLine("x", Odd(description: String(repeating: "é", count: 9000))).utf8.count
        < 4100)
  }

  @Test("an RPC service that the process does not have has no state")
  func unknownService() {
    #expect(ServingStatus(services: ["a.B"]).state(of: "a.C") == nil)
  }
}

/// Suspends until the task is cancelled.
private func untilCancelled() async {
  let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
  for await _ in stream {}
  continuation.finish()
}
