import SQLCore
import ServiceStorage
import SharedDomain
import TestSupport

/// Runs the body on a new database with the shared tables and one of the tests' own.
func withServiceDatabase(
  _ driver: Driver = .sqlite, _ body: (any Database) async throws -> Void
) async throws {
  try await withDatabase(driver) { database in
    try await prepare(database)
    try await body(database)
  }
}

/// Runs the body on a new PostgreSQL database with the same tables that two replicas have open.
func withServiceReplicas(
  _ body: (any Database, any Database) async throws -> Void
) async throws {
  try await withReplicas { first, second in
    try await prepare(first)
    try await body(first, second)
  }
}

func prepare(_ database: any Database) async throws {
  let own = Migration(
    number: 100, name: "create_counter",
    sqlite: """
      CREATE TABLE counter (
        name TEXT NOT NULL PRIMARY KEY,
        value INTEGER NOT NULL CONSTRAINT counter_value_small CHECK (value < 1000)
      ) STRICT
      """,
    postgres: """
      CREATE TABLE counter (
        name text NOT NULL PRIMARY KEY,
        value bigint NOT NULL CONSTRAINT counter_value_small CHECK (value < 1000)
      )
      """)
  try await Migrator(ServiceStorage.migrations + [own]).migrate(database)
}

/// Ids that repeat from run to run.
func testID(_ number: Int) -> UniqueID {
  UniqueID(
    at: Instant(microseconds: 1_800_000_000_000_000 + Int64(number) * 1000), random: 0,
    moreRandom: UInt64(number))
}

func count(_ sql: SQL, _ database: any Database) async throws -> Int {
  try await database.read { transaction in try transaction.first(sql)?.int(0) ?? -1 }
}
