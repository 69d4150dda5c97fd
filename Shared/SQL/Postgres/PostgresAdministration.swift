package import SQLCore

/// A PostgreSQL server as its operator uses it. Connects to the server's database `postgres`. Every
/// call blocks.
package final class PostgresAdministration {
  private let connection: PostgresConnection

  /// - Parameter url: names the server, and any database.
  /// - Throws: `SQLError`, as `PostgresDatabase.open` does.
  package init(url: String) throws(SQLError) {
    try PostgresConnection.check(url: url)
    var configuration = PostgresConfiguration()
    // A database is made and removed within seconds, but on a slow disk.
    configuration.statementTimeoutMilliseconds = 60_000
    configuration.answerPatience = .seconds(65)
    connection = try PostgresConnection(
      url: url, database: "postgres", configuration: configuration)
  }

  /// Ends the connection, which is not used again.
  package func close() { connection.close() }

  /// The server's major version, such as 15.
  package func majorVersion() throws(SQLError) -> Int {
    var number: Int64 = 0
    try run { connection throws(PostgresFailure) in
      _ = try connection.run("SELECT current_setting('server_version_num')::bigint") {
        row throws(SQLError) in number = try row.int64(0)
      }
    }
    return Int(number / 10_000)
  }

  /// Whether there is a database of that name.
  package func hasDatabase(_ name: String) throws(SQLError) -> Bool {
    var isThere = false
    try run { connection throws(PostgresFailure) in
      _ = try connection.run("SELECT 1 FROM pg_catalog.pg_database WHERE datname = \(name)") {
        (_) throws(SQLError) in isThere = true
      }
    }
    return isThere
  }

  /// Makes a database that is not there: UTF-8, with text compared bytewise.
  package func makeDatabase(_ name: String) throws(SQLError) {
    try run { connection throws(PostgresFailure) in try connection.makeDatabase(name) }
  }

  /// Gives databases that nobody uses other names, which no others have: all of them or none.
  /// After an error the connection is of no further use.
  package func renameDatabases(_ names: [(name: String, other: String)]) throws(SQLError) {
    try run { connection throws(PostgresFailure) in
      try connection.simple("BEGIN", while: "begin a transaction")
      for (name, other) in names {
        try connection.simple(
          "ALTER DATABASE \(PostgresConnection.quoted(name)) RENAME TO \(PostgresConnection.quoted(other))",
          while: "rename the database \(name)")
      }
      try connection.simple("COMMIT", while: "rename databases")
    }
  }

  /// Takes a lock of the server's that ends with the connection; false where another holds it.
  ///
  /// - Parameter number: which lock.
  package func takeLock(_ number: Int64) throws(SQLError) -> Bool {
    var isTaken = false
    try run { connection throws(PostgresFailure) in
      _ = try connection.run("SELECT pg_try_advisory_lock(\(number))") { row throws(SQLError) in
        isTaken = try row.bool(0)
      }
    }
    return isTaken
  }

  /// Waits for a lock of the server's that ends with the connection, and with what it was told to do
  /// last.
  ///
  /// - Parameter number: which lock.
  /// - Throws: also where it does not come within a minute.
  package func waitForLock(_ number: Int64) throws(SQLError) {
    try run { connection throws(PostgresFailure) in
      _ = try connection.run("SELECT pg_advisory_lock(\(number)) IS NULL") {
        (_) throws(SQLError) in
      }
    }
  }

  /// Removes a database, if it is there, with all that it holds.
  package func dropDatabase(_ name: String) throws(SQLError) {
    let statement = "DROP DATABASE IF EXISTS \(PostgresConnection.quoted(name)) WITH (FORCE)"
    try run { connection throws(PostgresFailure) in
      try connection.simple(statement, while: "remove the database \(name)")
    }
  }

  private func run(
    _ body: (PostgresConnection) throws(PostgresFailure) -> Void
  ) throws(SQLError) {
    do throws(PostgresFailure) {
      try body(connection)
    } catch {
      throw error.error
    }
  }
}
