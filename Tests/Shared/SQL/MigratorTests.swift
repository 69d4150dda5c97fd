import SQLCore
import TestSupport
import Testing

@Suite struct MigratorTests {
  private let first = Migration(
    number: 1, name: "create_a", sqlite: "CREATE TABLE a (x INTEGER) STRICT",
    postgres: "CREATE TABLE a (x bigint)")
  private let second = Migration(
    number: 100, name: "create_b",
    sqlite: "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b (x) VALUES (7);",
    postgres: "CREATE TABLE b (x bigint); INSERT INTO b (x) VALUES (7);")

  /// A migration with the same text in both dialects.
  private func same(_ number: Int, _ name: String, _ text: String) -> Migration {
    Migration(number: number, name: name, sqlite: text, postgres: text)
  }

  private func error(
    _ migrations: [Migration], _ database: any Database
  ) async throws -> SQLError {
    try #require(
      await #expect(throws: SQLError.self) { try await Migrator(migrations).migrate(database) })
  }

  @Test(arguments: Driver.allCases)
  func `pending migrations run once, in order`(_ driver: Driver) async throws {
    try await withDatabase(driver) { database in
      #expect(try await Migrator([second, first]).migrate(database) == [first, second])
      #expect(try await Migrator([first, second]).migrate(database) == [])
      let third = same(101, "more", "INSERT INTO b (x) VALUES (8)")
      #expect(try await Migrator([first, second, third]).migrate(database) == [third])
      let values = try await database.read { transaction in
        try transaction.rows("SELECT x FROM b ORDER BY x").map { try $0.int(0) }
      }
      #expect(values == [7, 8])
    }
  }

  @Test(arguments: Driver.allCases)
  func `an edited migration is refused by name`(_ driver: Driver) async throws {
    try await withDatabase(driver) { database in
      try await Migrator([first, second]).migrate(database)
      let edited = Migration(
        number: 1, name: "create_a", sqlite: "CREATE TABLE a (x INTEGER, y INTEGER) STRICT",
        postgres: "CREATE TABLE a (x bigint, y bigint)")
      let error = try await error([edited, second], database)
      #expect(error.code == .migration)
      #expect(error.message.contains("1 (create_a) was edited"))
      let renamed = Migration(
        number: 100, name: "create_c", sqlite: second.sqlite, postgres: second.postgres)
      #expect(try await self.error([first, renamed], database).message.contains("create_b"))
    }
  }

  @Test(arguments: Driver.allCases)
  func `a database newer than the program is refused`(_ driver: Driver) async throws {
    try await withDatabase(driver) { database in
      try await Migrator([first, second]).migrate(database)
      let error = try await error([first], database)
      #expect(error.code == .migration)
      #expect(error.message.contains("100 (create_b)"))
      #expect(error.message.contains("newer"))
    }
  }

  @Test(arguments: Driver.allCases)
  func `a failing migration changes nothing and is named`(_ driver: Driver) async throws {
    try await withDatabase(driver) { database in
      let broken = same(101, "broken", "CREATE TABL c (x)")
      let error = try await error([first, second, broken], database)
      #expect(error.message.contains("101 (broken)"))
      #expect(try await Migrator([first, second]).migrate(database) == [first, second])
    }
  }

  @Test(arguments: Driver.allCases)
  func `a migration cannot end the transaction`(_ driver: Driver) async throws {
    try await withDatabase(driver) { database in
      let committing = same(101, "commits", "COMMIT; SELECT 1")
      let refused = try await error([first, committing], database)
      #expect(refused.code == .misuse)
      let applied = try await Migrator([first]).migrate(database)
      #expect(applied == [first])
    }
  }

  @Test(arguments: Driver.allCases)
  func `programs that start at once run each migration once`(_ driver: Driver) async throws {
    try await withDatabase(driver) { database in
      let migrations = [first, second]
      let applied = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask { try await Migrator(migrations).migrate(database).count }
        }
        return try await group.reduce(0, +)
      }
      #expect(applied == 2)
    }
  }

  @Test func `the checksum is FNV-1a of the dialect's text`() {
    let migration = Migration(number: 1, name: "x", sqlite: "foobar", postgres: "a")
    #expect(migration.checksum(for: .sqlite) == "85944171f73967e8")
    #expect(migration.checksum(for: .postgres) == "af63dc4c8601ec8c")
  }
}
