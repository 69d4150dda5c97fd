import Glibc
import PostgresDriver
import SQLCore
import Synchronization
import TestSupport
import Testing

/// Writes that are committed together on PostgreSQL, and writers that take turns.
@Suite(.enabled(if: PostgresServer.isExpected))
struct PostgresBatchTests {
  private struct Refused: Error, Equatable {}

  private func insert(_ id: Int) -> SQL {
    "INSERT INTO child (id, parent_id, amount) VALUES (\(id), 'p', 0)"
  }

  private func migrate(_ database: any Database) async throws {
    try await Migrator([conformanceMigration]).migrate(database)
    try await database.write { transaction in
      try transaction.execute("INSERT INTO parent (id) VALUES ('p')")
      try transaction.execute(insert(-1))
    }
  }

  private func withMigrated(_ body: (PostgresDatabase) async throws -> Void) async throws {
    try await PostgresServer.withDatabase { database in
      try await migrate(database)
      try await body(database)
    }
  }

  private func ids(_ database: any Database) async throws -> [Int] {
    try await database.read { transaction in
      try transaction.rows("SELECT id FROM child WHERE id >= 0 ORDER BY id").map { try $0.int(0) }
    }
  }

  /// The outcomes of bodies that wait together behind another write, which ends when all have come.
  private func outcomes<Value: Sendable>(
    of count: Int, on database: PostgresDatabase,
    _ body: @escaping @Sendable (Int, any Transaction) throws -> Value
  ) async throws -> [Int: Result<Value, any Error>] {
    try await withThrowingTaskGroup(of: (Int, Result<Value, any Error>)?.self) { group in
      let (begun, beginning) = AsyncStream<Void>.makeStream()
      group.addTask {
        try await database.write { _ in
          beginning.finish()
          while database.statistics.waiting < count { sched_yield() }
        }
        return nil
      }
      for await _ in begun {}
      for number in 0..<count {
        group.addTask {
          do {
            return (number, .success(try await database.write { try body(number, $0) }))
          } catch {
            return (number, .failure(error))
          }
        }
      }
      return try await group.reduce(into: [:]) { outcomes, outcome in
        if let outcome { outcomes[outcome.0] = outcome.1 }
      }
    }
  }

  @Test func `writes that wait are committed together`() async throws {
    try await withMigrated { database in
      let before = database.statistics
      let outcomes = try await outcomes(of: 20, on: database) { number, transaction in
        try transaction.execute(insert(number))
        return number
      }
      #expect(outcomes.allSatisfy { number, result in (try? result.get()) == number })
      #expect(try await ids(database) == Array(0..<20))
      let after = database.statistics
      #expect(after.bodies - before.bodies == 21)
      #expect(after.commits - before.commits == 2)
    }
  }

  @Test func `a failure that shows late is its own caller's, with the statement's name`()
    async throws
  {
    try await withMigrated { database in
      let before = database.statistics
      let runs = Mutex([Int](repeating: 0, count: 30))
      let outcomes = try await outcomes(of: 30, on: database) { number, transaction in
        runs.withLock { $0[number] += 1 }
        try transaction.enqueue(insert(number))
        switch number % 5 {
        // Neither waits for its last statement.
        case 1: try transaction.enqueue(insert(-1))
        case 2: try transaction.enqueue("UPDATE child SET amount = -1 WHERE id = \(number)")
        // Refused by itself, with a statement on its way that fails.
        case 3:
          try transaction.enqueue(insert(-1))
          throw Refused()
        // Waits, and so meets what went before it.
        case 4: _ = try transaction.first("SELECT 1")
        default: break
        }
      }
      for (number, result) in outcomes {
        switch (number % 5, result) {
        case (0, .success), (4, .success): break
        case (1, .failure(let error as SQLError)):
          #expect(error.code == .unique(["child.id"]))
          #expect(error.message.hasPrefix("INSERT INTO child (id,"), "\(error.message)")
        case (2, .failure(let error as SQLError)):
          #expect(error.violatesCheck("child_amount_not_negative"))
          #expect(error.message.hasPrefix("UPDATE child SET amount"), "\(error.message)")
        case (3, .failure(let error)): #expect(error is Refused)
        default: Issue.record("\(number): \(result)")
        }
      }
      #expect(try await ids(database) == (0..<30).filter { $0 % 5 == 0 || $0 % 5 == 4 })
      // They stayed one transaction, and bodies behind a late failure ran again.
      #expect(database.statistics.commits - before.commits == 2)
      #expect(runs.withLock { $0.contains(2) })
    }
  }

  @Test func `a body meets the failure of its own statement that it did not wait for`() async throws
  {
    try await withMigrated { database in
      let outcomes = try await outcomes(of: 2, on: database) { number, transaction in
        try transaction.enqueue(insert(-1))
        do {
          _ = try transaction.first("SELECT 1")
        } catch let error as SQLError where error.code == .unique(["child.id"]) {
          throw Refused()
        }
      }
      for result in outcomes.values {
        #expect(throws: Refused()) { try result.get() }
      }
    }
  }

  @Test func `one that takes the transaction with it fails apart`() async throws {
    try await withMigrated { database in
      let outcomes = try await outcomes(of: 10, on: database) { number, transaction in
        try transaction.execute(insert(number))
        if number == 4 { try transaction.script("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$") }
      }
      for (number, result) in outcomes {
        if number == 4 {
          #expect(throws: SQLError(.serialization, "")) { try result.get() }
        } else {
          #expect(throws: Never.self) { try result.get() }
        }
      }
      #expect(try await ids(database) == (0..<10).filter { $0 != 4 })
    }
  }

  @Test func `all run again when the connection is lost before their commit`() async throws {
    try await withMigrated { database in
      let hasEnded = Mutex(false)
      let outcomes = try await outcomes(of: 10, on: database) { number, transaction in
        try transaction.execute(insert(number))
        let ends = hasEnded.withLock { hasEnded in
          defer { if number == 7 { hasEnded = true } }
          return number == 7 && !hasEnded
        }
        if ends { try transaction.execute("SELECT pg_terminate_backend(pg_backend_pid())") }
      }
      for result in outcomes.values { #expect(throws: Never.self) { try result.get() } }
      #expect(try await ids(database) == Array(0..<10))
    }
  }

  @Test func `all are told when the connection is lost during their commit`() async throws {
    try await withMigrated { database in
      try await database.write { transaction in
        try transaction.script(
          """
          CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.id = 3) EXECUTE FUNCTION lose()
          """)
      }
      let outcomes = try await outcomes(of: 6, on: database) { number, transaction in
        try transaction.enqueue(insert(number))
      }
      for result in outcomes.values {
        let error = #expect(throws: SQLError.self) { try result.get() }
        #expect(error?.code == .connectionLost)
        #expect(error?.message.contains("outcome is unknown") == true)
      }
      #expect(try await ids(database) == [])
    }
  }

  @Test func `writers of two replicas to one row take turns and never collide`() async throws {
    try await PostgresServer.withReplicas { first, second in
      try await migrate(first)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<200 {
          group.addTask {
            try await (number.isMultiple(of: 2) ? first : second).write { transaction in
              let row = try transaction.first("SELECT amount FROM child WHERE id = -1")
              let amount = try row?.int(0) ?? 0
              try transaction.enqueue("UPDATE child SET amount = \(amount + 1) WHERE id = -1")
            }
          }
        }
        try await group.waitForAll()
      }
      let amount = try await first.read { transaction in
        try transaction.first("SELECT amount FROM child WHERE id = -1")?.int(0)
      }
      #expect(amount == 200)
      #expect(first.statistics.collisions == 0)
      #expect(second.statistics.collisions == 0)
    }
  }

  @Test func `a turn that does not come is an error for all that wait`() async throws {
    var configuration = PostgresServer.testConfiguration
    configuration.lockTimeoutMilliseconds = 10
    try await PostgresServer.withReplicas(configuration) { first, second in
      try await migrate(first)
      let (begun, beginning) = AsyncStream<Void>.makeStream()
      let isDone = Mutex(false)
      async let holder: Void = first.write { transaction in
        // With the first answer the turn has come.
        _ = try transaction.first("SELECT 1")
        beginning.finish()
        while !isDone.withLock({ $0 }) { sched_yield() }
      }
      for await _ in begun {}
      await withTaskGroup(of: Void.self) { group in
        for number in 0..<20 {
          group.addTask {
            await #expect(throws: SQLError(.busy, "")) {
              try await second.write { transaction in try transaction.enqueue(insert(number)) }
            }
          }
        }
      }
      isDone.withLock { $0 = true }
      try await holder
      try await second.write { transaction in try transaction.enqueue(insert(0)) }
      #expect(try await ids(second) == [0])
    }
  }
}
