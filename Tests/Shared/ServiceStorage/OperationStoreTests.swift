import CommonAPI
import RPCCore
import SQLCore
import SharedDomain
import TestSupport
import Testing

@testable import ServiceStorage

@Suite struct OperationStoreTests {
  private struct Refused: Error, Equatable {}

  private let method = MethodDescriptor(service: "kontor.test.v1.TestService", name: "Add")
  private let key = [UInt8](repeating: 7, count: 32)

  private func store(
    _ database: any Database, clock: ManualTime = ManualTime(),
    onCommit: @escaping @Sendable () -> Void = {}
  ) -> OperationStore {
    OperationStore(database: database, clock: clock, hashKey: key, onCommit: onCommit)
  }

  private func operation(
    _ store: OperationStore, scope: String = "user:1", requestID: String = "r-1",
    amount: Int64 = 5, method: MethodDescriptor? = nil
  ) throws -> ServiceStorage.Operation {
    try store.operation(
      scope: scope, method: method ?? self.method, requestID: requestID,
      request: CommonAPI.Money(currencyCode: "CHF", minorUnits: amount))
  }

  /// Adds one to the counter and answers its value.
  private func increment(_ transaction: any Transaction) throws -> CommonAPI.Money {
    let row = try transaction.first(
      """
      INSERT INTO counter (name, value) VALUES ('n', 1)
      ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value
      """)
    return CommonAPI.Money(currencyCode: "CHF", minorUnits: try row?.int64("value") ?? -1)
  }

  @Test(arguments: Driver.allCases)
  func `a hundred concurrent calls with one key run the body once`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let commits = Record<Void>()
      let store = store(database) { commits.append(()) }
      let operation = try operation(store)
      let answers = try await withThrowingTaskGroup(of: CommonAPI.Money.self) { group in
        for _ in 0..<100 {
          group.addTask {
            try await store.run(operation) { transaction in try increment(transaction) }
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.count == 100)
      #expect(Set(answers) == [CommonAPI.Money(currencyCode: "CHF", minorUnits: 1)])
      #expect(commits.elements.count == 1)
      let value = try await count("SELECT value FROM counter", database)
      #expect(value == 1)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a key used for another request is refused, and nothing changes`(_ driver: Driver)
    async throws
  {
    try await withServiceDatabase(driver) { database in
      let store = store(database)
      _ = try await store.run(try operation(store)) { try increment($0) }
      let error = await #expect(throws: RPCError.self) {
        try await store.run(try operation(store, amount: 6)) { try increment($0) }
      }
      #expect(error?.code == .alreadyExists)
      #expect(error?.reason == "IDEMPOTENCY_KEY_REUSED")
      let value = try await count("SELECT value FROM counter", database)
      #expect(value == 1)
    }
  }

  @Test(arguments: Driver.allCases)
  func `the key's scope is caller and method`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let store = store(database)
      let other = MethodDescriptor(service: "kontor.test.v1.TestService", name: "Subtract")
      let operations = [
        try operation(store), try operation(store, scope: "user:2"),
        try operation(store, requestID: "r-2"), try operation(store, method: other),
      ]
      for operation in operations + operations {
        _ = try await store.run(operation) { try increment($0) }
      }
      let value = try await count("SELECT value FROM counter", database)
      #expect(value == 4)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a body that throws saves nothing, and the key succeeds later`(_ driver: Driver) async throws
  {
    try await withServiceDatabase(driver) { database in
      let store = store(database)
      let operation = try operation(store)
      await #expect(throws: Refused()) {
        try await store.run(operation) { transaction -> CommonAPI.Money in
          _ = try increment(transaction)
          throw Refused()
        }
      }
      await #expect(throws: SQLError(.check("counter_value_small"), "")) {
        try await store.run(operation) { transaction -> CommonAPI.Money in
          try transaction.execute("INSERT INTO counter (name, value) VALUES ('m', 5000)")
          return try increment(transaction)
        }
      }
      let saved = try await count("SELECT count(*) FROM operation", database)
      #expect(saved == 0)
      let answer = try await store.run(operation) { try increment($0) }
      #expect(answer.minorUnits == 1)
    }
  }

  @Test(arguments: [
    "", " ", "a b", "ä", "a/b", String(repeating: "a", count: 65), "a\n", "a\u{0}",
  ])
  func `a request id that is none is refused by name`(_ requestID: String) async throws {
    try await withServiceDatabase { database in
      let store = store(database)
      let error = #expect(throws: RPCError.self) {
        try operation(store, requestID: requestID)
      }
      #expect(error?.code == .invalidArgument)
      #expect(error?.fields.map(\.field) == ["request_id"])
    }
  }

  @Test(arguments: Driver.allCases)
  func `the hash depends on the request and the key`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let store = store(database)
      let otherKey = OperationStore(
        database: database, clock: ManualTime(), hashKey: [UInt8](repeating: 8, count: 32))
      let hash = try operation(store).requestHash
      #expect(hash == (try operation(store).requestHash))
      #expect(hash != (try operation(store, amount: 6).requestHash))
      #expect(hash != (try operation(otherKey).requestHash))
    }
  }

  @Test(arguments: Driver.allCases)
  func `answers are deleted after 30 days, in batches`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let clock = ManualTime()
      let store = store(database, clock: clock)
      for number in 0..<7 {
        _ = try await store.run(try operation(store, requestID: "old-\(number)")) {
          try increment($0)
        }
      }
      clock.advance(by: .days(20))
      _ = try await store.run(try operation(store, requestID: "new")) { try increment($0) }
      clock.advance(by: .days(10))
      #expect(try await store.deleteExpired() == 0)
      clock.advance(by: .microseconds(1))
      #expect(try await store.deleteExpired(batchSize: 3) == 7)
      let left = try await count("SELECT count(*) FROM operation", database)
      #expect(left == 1)
    }
  }

  @Test func `the database's failures that callers may know are translated`() {
    #expect(RPCError(SQLError(.full, ""))?.code == .resourceExhausted)
    #expect(RPCError(SQLError(.overloaded, ""))?.code == .resourceExhausted)
    #expect(RPCError(SQLError(.serialization, ""))?.code == .aborted)
    #expect(RPCError(SQLError(.busy, ""))?.reason == "STORAGE_BUSY")
    #expect(RPCError(SQLError(.connectionLost, ""))?.code == .unavailable)
    #expect(RPCError(SQLError(.cannotOpen, ""))?.code == .unavailable)
    #expect(RPCError(SQLError(.stopped, ""))?.code == .unavailable)
    #expect(RPCError(SQLError(.corrupt, "")) == nil)
    #expect(RPCError(SQLError(.unique(["a.b"]), "")) == nil)
  }
}
