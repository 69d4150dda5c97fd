import SQLCore
import SQLiteDriver

/// The drivers that the conformance suite runs on; a second one joins here.
enum Driver: CaseIterable, Sendable {
  case sqlite

  /// A new, empty database.
  func open() throws -> any Database {
    switch self {
    case .sqlite: try SQLiteDatabase.temporary()
    }
  }
}

/// Runs the body on a new database of the driver and closes it afterwards.
func withDatabase(_ driver: Driver, _ body: (any Database) async throws -> Void) async throws {
  let database = try driver.open()
  do {
    try await body(database)
    await database.close()
  } catch {
    await database.close()
    throw error
  }
}

/// The tables of the conformance suite.
let conformanceMigration = Migration(
  number: 100, name: "create_conformance",
  sqlite: """
    CREATE TABLE parent (id TEXT NOT NULL PRIMARY KEY) STRICT;
    CREATE TABLE child (
      id INTEGER NOT NULL PRIMARY KEY,
      parent_id TEXT NOT NULL REFERENCES parent (id),
      login TEXT,
      amount INTEGER NOT NULL CONSTRAINT child_amount_not_negative CHECK (amount >= 0),
      body BLOB,
      UNIQUE (parent_id, login)
    ) STRICT;
    CREATE TABLE deferred_child (
      id INTEGER NOT NULL PRIMARY KEY,
      parent_id TEXT NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT;
    CREATE UNIQUE INDEX child_login_key ON child (lower(login)) WHERE amount > 1000;
    """)
