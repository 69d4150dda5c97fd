import RPCCore
import TestSupport
import Testing

@testable import Authentication

@Suite("Shared calls")
struct RequestCoalescerTests {
  @Test("100 requests that come while a call is under way share the next one")
  func sharing() async throws {
    let coalescer = RequestCoalescer<String, Int>()
    let gate = Gate()
    let calls = Counter()
    @Sendable func ask() async throws -> Int {
      try await coalescer.value(for: "key") {
        let number = calls.next()
        if number == 1 { await gate.pass() }
        return number
      }
    }
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask { try await ask() }
      await gate.arrived(1)
      for _ in 0..<100 { group.addTask { try await ask() } }
      while coalescer.waiting(for: "key") < 100 { await Task.yield() }
      gate.open()
      var answers: [Int: Int] = [:]
      for try await answer in group { answers[answer, default: 0] += 1 }
      // Nobody got the answer of a call that was begun before they asked.
      #expect(answers == [1: 1, 2: 100])
    }
    #expect(calls.value == 2)
    #expect(coalescer.isIdle)
  }

  @Test("different keys do not wait for each other")
  func keys() async throws {
    let coalescer = RequestCoalescer<Int, Int>()
    let gate = Gate()
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask {
        try await coalescer.value(for: 1) {
          await gate.pass()
          return 1
        }
      }
      await gate.arrived(1)
      let other = try await coalescer.value(for: 2) { 2 }
      #expect(other == 2)
      gate.open()
      let first = try await group.next()
      #expect(first == 1)
    }
  }

  @Test("a failure reaches everybody who shares the call")
  func failure() async throws {
    let coalescer = RequestCoalescer<String, Int>()
    let gate = Gate()
    let calls = Counter()
    await withTaskGroup(of: StatusCode?.self) { group in
      for index in 0..<11 {
        group.addTask {
          do {
            _ = try await coalescer.value(for: "key") {
              if calls.next() == 1 { await gate.pass() }
              throw RPCError(.unavailable, "down")
            }
            return nil
          } catch {
            return (error as? RPCError)?.code
          }
        }
        if index == 0 { await gate.arrived(1) }
      }
      while coalescer.waiting(for: "key") < 10 { await Task.yield() }
      gate.open()
      for await code in group { #expect(code == .unavailable) }
    }
    #expect(calls.value == 2)
    #expect(coalescer.isIdle)
  }

  @Test("when the call's own task ends, the next one calls anew", arguments: [true, false])
  func leaderGoesAway(byCancellation: Bool) async throws {
    let coalescer = RequestCoalescer<String, Int>()
    let gate = Gate()
    let calls = Counter()
    @Sendable func ask() async throws -> Int {
      try await coalescer.value(for: "key") {
        let number = calls.next()
        // The first two calls end with their own tasks.
        if number <= 2 {
          await gate.pass()
          if byCancellation { throw CancellationError() }
          throw RPCError(.deadlineExceeded, "over")
        }
        return number
      }
    }
    await withTaskGroup(of: Int?.self) { group in
      group.addTask { try? await ask() }
      await gate.arrived(1)
      for _ in 0..<10 { group.addTask { try? await ask() } }
      while coalescer.waiting(for: "key") < 10 { await Task.yield() }
      gate.open()
      var answers: [Int?: Int] = [:]
      for await answer in group { answers[answer, default: 0] += 1 }
      #expect(answers == [nil: 2, 3: 9])
    }
    #expect(coalescer.isIdle)
  }

  @Test("a cancelled request stops waiting and leaves the others alone")
  func cancelledWaiter() async throws {
    let coalescer = RequestCoalescer<String, Int>()
    let gate = Gate()
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask {
        try await coalescer.value(for: "key") {
          await gate.pass()
          return 1
        }
      }
      await gate.arrived(1)
      let waiter = Task { try await coalescer.value(for: "key") { 2 } }
      while coalescer.waiting(for: "key") < 1 { await Task.yield() }
      waiter.cancel()
      await #expect(throws: CancellationError.self) { try await waiter.value }
      #expect(coalescer.waiting(for: "key") == 0)
      gate.open()
      let first = try await group.next()
      #expect(first == 1)
    }
    #expect(coalescer.isIdle)
  }

  @Test("many requests, cancelled at random, all end (seeded)")
  func stress() async throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var random = SplitMix(state: seed)
    let coalescer = RequestCoalescer<UInt64, UInt64>()
    var tasks: [(Task<UInt64, any Error>, UInt64)] = []
    for _ in 0..<2000 {
      let key = random.next() % 3
      let yields = random.next() % 4
      let task = Task {
        try await coalescer.value(for: key) {
          for _ in 0..<yields { await Task.yield() }
          try Task.checkCancellation()
          return key
        }
      }
      if random.next() % 3 == 0 { task.cancel() }
      tasks.append((task, key))
    }
    for (task, key) in tasks {
      switch await task.result {
      case .success(let value): #expect(value == key)
      case .failure(let error): #expect(error is CancellationError, "seed \(seed)")
      }
    }
    #expect(coalescer.isIdle)
  }
}
