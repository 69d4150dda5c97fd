import CommonAPI
import Logging
import RPCCore
import SQLCore
import SharedDomain
import TestSupport
import Testing

@testable import ServiceStorage

/// What several replicas of a service do on one database.
@Suite(.enabled(if: PostgresServer.isExpected))
struct ReplicaTests {
  private let time = ManualTime()

  private func relay(
    _ database: any Database, _ holder: String, _ handler: @escaping OutboxRelay.Handler
  ) -> OutboxRelay {
    let time = time
    return OutboxRelay(
      database: database, clock: time,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      handlers: ["topic": handler], holder: holder, random: { 0 },
      sleep: { try await time.sleep($0) })
  }

  private func append(
    _ numbers: some Sequence<Int>, of aggregateID: String, _ database: any Database
  ) async throws {
    let messages = numbers.map { number in
      OutboxMessage(
        id: testID(number), topic: "topic", aggregateID: aggregateID, payload: [UInt8(number)],
        createdAt: time.now())
    }
    try await database.write { transaction in
      for message in messages { try Outbox.append(message, in: transaction) }
    }
  }

  private func running(_ relays: [OutboxRelay], _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for relay in relays { group.addTask { await relay.run() } }
      try await body()
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  private func takeAll(_ database: any Database, for holder: String) async throws {
    let claim = Outbox.Claim(holder: holder, now: time.now(), lease: .seconds(30))
    let taken = try await database.write { transaction in
      try Outbox.take(["a"], claim, in: transaction)
    }
    #expect(taken == ["a"])
  }

  @Test func `two replicas deliver each message once, in the order of its aggregate`() async throws
  {
    try await withServiceReplicas { first, second in
      let received = Record<(aggregateID: String, number: Int)>()
      let relays = [(first, "1"), (second, "2")].map { database, holder in
        relay(database, holder) { received.append(($0.aggregateID, Int($0.payload[0]))) }
      }
      try await running(relays) {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for aggregate in 0..<8 {
            group.addTask {
              for number in 0..<5 {
                try await append(
                  [aggregate * 5 + number], of: "\(aggregate)", number % 2 == 0 ? first : second)
                relays[number % 2].wake()
              }
            }
          }
          try await group.waitForAll()
        }
        await received.wait(for: 40)
      }
      for aggregate in 0..<8 {
        let numbers = received.elements.filter { $0.aggregateID == "\(aggregate)" }.map(\.number)
        #expect(numbers == Array(aggregate * 5..<aggregate * 5 + 5))
      }
      #expect(try await count("SELECT count(*) FROM outbox", first) == 0)
    }
  }

  @Test func `what a replica held that is gone is delivered when its claim has expired`()
    async throws
  {
    try await withServiceReplicas { first, second in
      try await append([1, 2], of: "a", first)
      try await takeAll(first, for: "gone")
      let received = Record<Int>()
      let relay = relay(second, "2") { received.append(Int($0.payload[0])) }
      try await running([relay]) {
        await time.waitForSleep { $0 == .seconds(5) }
        #expect(received.elements.isEmpty)
        time.advance(by: .seconds(30))
        await received.wait(for: 2)
      }
      #expect(received.elements == [1, 2])
    }
  }

  @Test func `deliver waits for the replica that has the message`() async throws {
    try await withServiceReplicas { first, second in
      let received = Record<String>()
      let gate = Gate()
      let one = relay(first, "1") { _ in
        received.append("first")
        await gate.pass()
      }
      let two = relay(second, "2") { _ in received.append("second") }
      try await append([1], of: "a", first)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await one.deliver(testID(1)) }
        await received.wait(for: 1)
        group.addTask { try await two.deliver(testID(1)) }
        await time.waitForSleep { $0 == .milliseconds(50) }
        gate.open()
        try await group.next()
        time.advance(by: .milliseconds(50))
        try await group.waitForAll()
      }
      #expect(received.elements == ["first"])
    }
  }

  @Test func `a replica that outlived its claim neither repeats nor skips what follows`()
    async throws
  {
    try await withServiceReplicas { first, second in
      let received = Record<String>()
      let gate = Gate()
      let slow = relay(first, "1") { message in
        received.append("slow \(message.payload[0])")
        await gate.pass()
      }
      let quick = relay(second, "2") { received.append("quick \($0.payload[0])") }
      try await append([1, 2], of: "a", first)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await slow.deliver(testID(2)) }
        await received.wait(for: 1)
        time.advance(by: .seconds(30))
        try await quick.deliver(testID(2))
        gate.open()
        try await group.waitForAll()
      }
      #expect(received.elements == ["slow 1", "quick 1", "quick 2"])
      #expect(try await count("SELECT count(*) FROM outbox", first) == 0)
    }
  }

  @Test func `the same operation on two replicas runs once, though its rows would collide`()
    async throws
  {
    try await withServiceReplicas { first, second in
      let method = MethodDescriptor(service: "kontor.test.v1.TestService", name: "Add")
      let request = CommonAPI.Money(currencyCode: "CHF", minorUnits: 5)
      for number in 0..<10 {
        let answers = try await withThrowingTaskGroup(of: Int64.self) { group in
          for database in [first, second, first, second] {
            group.addTask { [time] in
              let store = OperationStore(
                database: database, clock: time, hashKey: [UInt8](repeating: 7, count: 32))
              let operation = try store.operation(
                scope: "user:1", method: method, requestID: "request-\(number)", request: request)
              let random = Int64.random(in: 0...Int64.max)
              return try await store.run(operation) { transaction in
                // Not looked up before: the second one to come fails on the key.
                try transaction.execute(
                  "INSERT INTO counter (name, value) VALUES (\("\(number)"), 1)")
                return CommonAPI.Money(currencyCode: "CHF", minorUnits: random)
              }.minorUnits
            }
          }
          return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(answers.count == 1)
      }
      #expect(try await count("SELECT count(*) FROM operation", first) == 10)
    }
  }
}
