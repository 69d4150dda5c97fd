import Logging
import RPCCore
import SQLCore
import SQLiteDriver
import SharedDomain
import Synchronization
import TestSupport
import Testing

@testable import ServiceStorage

@Suite struct OutboxRelayTests {
  private struct Broken: Error {}

  private let time = ManualTime()
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func relay(
    _ database: any Database, _ configuration: OutboxRelay.Configuration = .init(),
    _ handler: @escaping OutboxRelay.Handler
  ) -> OutboxRelay {
    let time = time
    return OutboxRelay(
      database: database, clock: time, logger: logger, handlers: ["topic": handler],
      configuration: configuration, random: { 0 }, sleep: { try await time.sleep($0) })
  }

  private func append(
    _ numbers: [Int], of aggregateID: String, topic: String = "topic", _ database: any Database
  ) async throws {
    let now = time.now()
    try await database.write { transaction in
      for number in numbers {
        try Outbox.append(
          OutboxMessage(
            id: testID(number), topic: topic, aggregateID: aggregateID,
            payload: [UInt8(number)], createdAt: now), in: transaction)
      }
    }
  }

  private func waiting(_ database: any Database) async throws -> Int {
    try await count("SELECT count(*) FROM outbox", database)
  }

  /// Runs the relay while the body runs.
  private func running(
    _ relay: OutboxRelay, _ body: () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await relay.run() }
      try await body()
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  @Test(arguments: Driver.allCases)
  func `each aggregate's messages arrive once, in the order of their commits`(_ driver: Driver)
    async throws
  {
    try await withServiceDatabase(driver) { database in
      let received = Record<(aggregateID: String, number: Int)>()
      let relay = relay(database) { message in
        received.append((message.aggregateID, Int(message.payload[0])))
      }
      try await append([0, 1, 2], of: "a", database)
      try await running(relay) {
        for round in 1..<10 {
          for (index, aggregateID) in ["a", "b", "c"].enumerated() {
            let number = 20 * round + 3 * index
            try await append([number, number + 1, number + 2], of: aggregateID, database)
            relay.wake()
          }
        }
        await received.wait(for: 84)
      }
      for aggregateID in ["a", "b", "c"] {
        let numbers = received.elements.filter { $0.aggregateID == aggregateID }.map(\.number)
        #expect(numbers == numbers.sorted())
        #expect(numbers.count == (aggregateID == "a" ? 30 : 27))
      }
    }
  }

  @Test(arguments: Driver.allCases)
  func `aggregates are delivered in parallel, up to the bound`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let begun = Record<String>()
      let done = Record<String>()
      let gate = Gate()
      var configuration = OutboxRelay.Configuration()
      configuration.concurrency = 3
      let relay = relay(database, configuration) { message in
        begun.append(message.aggregateID)
        await gate.pass()
        done.append(message.aggregateID)
      }
      for number in 0..<10 { try await append([number], of: "a\(number)", database) }
      try await running(relay) {
        await begun.wait(for: 3)
        relay.wake()
        await time.waitForSleep { $0 == configuration.pollInterval }
        #expect(begun.elements.count == 3)
        gate.open()
        await done.wait(for: 10)
      }
      #expect(Set(done.elements).count == 10)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a passing error is retried with a doubling wait, and holds back its aggregate only`(
    _ driver: Driver
  ) async throws {
    try await withServiceDatabase(driver) { database in
      let attempts = Record<(number: Int, at: Instant)>()
      let start = time.now()
      let relay = relay(database) { message in
        let number = Int(message.payload[0])
        attempts.append((number, time.now()))
        let tried = attempts.elements.filter { $0.number == 1 }.count
        if number == 1 && tried < 5 { throw RPCError(.unavailable, "not yet") }
      }
      try await append([1, 2], of: "a", database)
      try await append([3], of: "b", database)
      try await running(relay) {
        // The jitter is zero: half of 0.5, 1, 2 and 4 s.
        for milliseconds in [250, 500, 1000, 2000] {
          await time.waitForSleep { $0 == .milliseconds(milliseconds) }
          time.advance(by: .milliseconds(milliseconds))
        }
        await attempts.wait(for: 7)
      }
      let first = attempts.elements.filter { $0.number == 1 }
      #expect(
        first.map { $0.at.since(start) / .milliseconds(1) } == [0, 250, 750, 1750, 3750])
      #expect(attempts.elements.last?.number == 2)
      #expect(attempts.elements.filter { $0.number == 3 }.map(\.at) == [start])
    }
  }

  @Test func `the wait doubles up to its bound, with jitter`() {
    let backOff = BackOff(first: .seconds(1), longest: .seconds(60))
    #expect(backOff.wait(afterAttempts: 1, random: 0) == .milliseconds(500))
    #expect(backOff.wait(afterAttempts: 3, random: 0) == .seconds(2))
    #expect(backOff.wait(afterAttempts: 1_000_000, random: 0) == .seconds(30))
    #expect(backOff.wait(afterAttempts: 1_000_000, random: .max) > .seconds(59))
    #expect(backOff.wait(afterAttempts: 1_000_000, random: .max) < .seconds(60))
  }

  @Test(arguments: Driver.allCases)
  func `a refused message is given up after its attempts, and the next one follows`(
    _ driver: Driver
  ) async throws {
    try await withServiceDatabase(driver) { database in
      let attempts = Record<Int>()
      var configuration = OutboxRelay.Configuration()
      configuration.attemptsBeforeDeadLetter = 3
      let relay = relay(database, configuration) { message in
        attempts.append(Int(message.payload[0]))
        if message.payload == [1] { throw RPCError(.invalidArgument, "what is this") }
      }
      try await append([1, 2], of: "a", database)
      try await running(relay) {
        for milliseconds in [250, 500] {
          await time.waitForSleep { $0 == .milliseconds(milliseconds) }
          time.advance(by: .milliseconds(milliseconds))
        }
        await attempts.wait(for: 4)
      }
      #expect(attempts.elements == [1, 1, 1, 2])
      let letters = try await database.read { try Outbox.deadLetters(in: $0) }
      #expect(letters.map(\.message.id) == [testID(1)])
      #expect(letters.first?.attempts == 3)
      #expect(letters.first?.lastError == "INVALID_ARGUMENT: what is this")
      await #expect(throws: DeadLetterError.self) { try await relay.deliver(testID(1)) }
    }
  }

  @Test(arguments: Driver.allCases)
  func `a permanent error gives up at once, and a dead letter can be revived`(_ driver: Driver)
    async throws
  {
    try await withServiceDatabase(driver) { database in
      let refuses = Mutex(true)
      let relay = relay(database) { _ in
        if refuses.withLock({ $0 }) { throw PermanentDeliveryError("closed for good") }
      }
      try await append([1], of: "a", database)
      await #expect(throws: PermanentDeliveryError("closed for good")) {
        try await relay.deliver(testID(1))
      }
      #expect(try await waiting(database) == 0)
      refuses.withLock { $0 = false }
      let now = time.now()
      let isRevived = try await database.write { try Outbox.revive(testID(1), at: now, in: $0) }
      #expect(isRevived)
      try await relay.deliver(testID(1))
      #expect(try await waiting(database) == 0)
      let letters = try await count("SELECT count(*) FROM outbox_dead_letter", database)
      #expect(letters == 0)
    }
  }

  @Test(arguments: Driver.allCases)
  func `deliver sends the earlier messages first and awaits its own`(_ driver: Driver) async throws
  {
    try await withServiceDatabase(driver) { database in
      let received = Record<Int>()
      let relay = relay(database) { received.append(Int($0.payload[0])) }
      try await append([1, 2, 3], of: "a", database)
      try await append([4], of: "b", database)
      try await relay.deliver(testID(2))
      #expect(received.elements == [1, 2])
      try await relay.deliver(testID(2))
      try await relay.deliver(testID(99))
      #expect(received.elements == [1, 2])
      #expect(try await waiting(database) == 2)
    }
  }

  @Test(arguments: Driver.allCases)
  func `concurrent deliver calls and the loop send a message once`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let received = Record<Int>()
      let relay = relay(database) { received.append(Int($0.payload[0])) }
      try await running(relay) {
        try await append([1, 2], of: "a", database)
        relay.wake()
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<50 {
            group.addTask { try await relay.deliver(testID(1 + index % 2)) }
          }
          try await group.waitForAll()
        }
      }
      #expect(received.elements == [1, 2])
    }
  }

  @Test(arguments: Driver.allCases)
  func `a failed deliver throws the error and leaves the message to the loop`(_ driver: Driver)
    async throws
  {
    try await withServiceDatabase(driver) { database in
      let attempts = Record<Void>()
      let relay = relay(database) { _ in
        if attempts.append(()) == 1 { throw RPCError(.unavailable, "not yet") }
      }
      try await append([1], of: "a", database)
      let error = await #expect(throws: RPCError.self) { try await relay.deliver(testID(1)) }
      #expect(error?.code == .unavailable)
      try await running(relay) {
        await time.waitForSleep { $0 == .milliseconds(250) }
        time.advance(by: .milliseconds(250))
        await attempts.wait(for: 2)
      }
    }
  }

  @Test(arguments: Driver.allCases)
  func `a cancelled deliver counts as no attempt`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let begun = Gate()
      let relay = relay(database) { _ in
        begun.open()
        try await time.sleep(.seconds(1))
      }
      try await append([1], of: "a", database)
      await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await relay.deliver(testID(1)) }
        group.addTask { try await relay.deliver(testID(1)) }
        await begun.pass()
        group.cancelAll()
        while let result = await group.nextResult() {
          #expect(throws: CancellationError.self) { try result.get() }
        }
      }
      let attempts = try await count("SELECT attempts FROM outbox", database)
      #expect(attempts == 0)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a restart goes on where the last run ended`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      try await append([1, 2], of: "a", database)
      let first = relay(database) { message in
        if message.payload == [2] { throw Broken() }
      }
      try await running(first) { await time.waitForSleep { $0 == .milliseconds(250) } }
      #expect(try await waiting(database) == 1)
      let received = Record<Int>()
      let second = relay(database) { received.append(Int($0.payload[0])) }
      time.advance(by: .milliseconds(250))
      try await running(second) { await received.wait(for: 1) }
      #expect(received.elements == [2])
      let error = try await database.read { transaction in
        try transaction.first("SELECT last_error FROM outbox")
      }
      #expect(error == nil)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a message is found without a wake, at the next look`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let received = Record<Int>()
      let relay = relay(database) { received.append(Int($0.payload[0])) }
      try await running(relay) {
        await time.waitForSleep { $0 == .seconds(5) }
        try await append([1], of: "a", database)
        time.advance(by: .seconds(5))
        await received.wait(for: 1)
      }
    }
  }

  @Test(arguments: Driver.allCases)
  func `a clock that is set back delays nothing beyond the longest wait`(_ driver: Driver)
    async throws
  {
    try await withServiceDatabase(driver) { database in
      let received = Record<Int>()
      let relay = relay(database) { received.append(Int($0.payload[0])) }
      try await append([1], of: "a", database)
      time.set(time.now().advanced(by: .zero - .days(365)))
      try await running(relay) { await received.wait(for: 1) }
    }
  }

  @Test(arguments: Driver.allCases)
  func `a topic without a handler waits for a program that has one`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      try await append([1], of: "a", topic: "unknown", database)
      let relay = relay(database) { _ in }
      try await running(relay) { await time.waitForSleep { $0 == .milliseconds(250) } }
      let left = try await count(
        "SELECT count(*) FROM outbox WHERE last_error LIKE '%unknown%'", database)
      #expect(left == 1)
    }
  }

  @Test func `an error's text is stored only where it is known to hold no secret`() {
    struct Secretive: Error, CustomStringConvertible { let description = "password=hunter2" }
    #expect(!DeliveryFailure.text(Secretive()).contains("hunter2"))
    #expect(DeliveryFailure.text(RPCError(.internalError, "x")) == "INTERNAL: x")
  }

  @Test func `the run ends when the database is closed`() async throws {
    let database = try SQLiteDatabase.temporary()
    try await prepare(database)
    let relay = relay(database) { _ in }
    await database.close()
    await relay.run()
  }
}
