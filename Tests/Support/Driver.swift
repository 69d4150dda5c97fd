package import SQLCore
internal import SQLiteDriver

/// The drivers that tests run on, by parameter.
package enum Driver: CaseIterable, Sendable {
  case sqlite
  case postgres

  /// All that can run here: a test of its own shows where PostgreSQL is left out.
  package static var allCases: [Driver] {
    PostgresServer.isExpected ? [.sqlite, .postgres] : [.sqlite]
  }
}

/// Runs the body on a new, empty database of the driver and closes it afterwards.
package func withDatabase(
  _ driver: Driver, _ body: (any Database) async throws -> Void
) async throws {
  switch driver {
  case .sqlite:
    let database = try SQLiteDatabase.temporary()
    do {
      try await body(database)
    } catch {
      await database.close()
      throw error
    }
    await database.close()
  case .postgres: try await PostgresServer.withDatabase { try await body($0) }
  }
}

/// Runs the body on a new, empty PostgreSQL database that two replicas have open.
package func withReplicas(
  _ body: (any Database, any Database) async throws -> Void
) async throws {
  try await PostgresServer.withReplicas { try await body($0, $1) }
}
