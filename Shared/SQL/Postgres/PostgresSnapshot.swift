package import SQLCore

/// A PostgreSQL database's content at one moment, to be dumped while the services go on.
///
/// From `holdWriters` until `releaseWriters` nobody changes a table. Several databases, also on
/// several servers, that are all held before the first is released have a moment in common:
/// together they are what was stored everywhere at that moment.
///
/// For one thread at a time; every call blocks.
package final class PostgresSnapshot {
  private let lock: PostgresConnection
  private let reader: PostgresConnection
  /// The snapshot's name for `pg_dump --snapshot`, valid until `close`.
  package private(set) var name = ""
  /// The tables of the database, in the order of their names.
  private var tables: [String] = []

  /// Connects; nobody is held up yet.
  ///
  /// - Throws: `SQLError`, as `PostgresDatabase.open` does.
  package init(of url: String) throws(SQLError) {
    var configuration = PostgresConfiguration()
    // What is read is long, and so is the pause while it is dumped.
    configuration.statementTimeoutMilliseconds = 0
    configuration.lockTimeoutMilliseconds = 0
    configuration.answerPatience = .seconds(86_400)
    lock = try PostgresConnection(url: url, configuration: configuration)
    do {
      reader = try PostgresConnection(url: url, configuration: configuration)
    } catch {
      lock.close()
      throw error
    }
    do throws(PostgresFailure) {
      try prepare()
    } catch {
      close()
      throw error.error
    }
  }

  private func prepare() throws(PostgresFailure) {
    for connection in [lock, reader] {
      try connection.send("SET idle_in_transaction_session_timeout = 0")
      try connection.send("SET enable_seqscan = on")
      try connection.synchronize()
    }
    var tables: [String] = []
    _ = try reader.run(
      """
      SELECT c.relname FROM pg_catalog.pg_class c
      WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
      ORDER BY c.relname
      """
    ) { row throws(SQLError) in tables.append(try row.text(0)) }
    self.tables = tables
  }

  /// Waits for the transactions under way, holds up those that follow, whose callers wait, and
  /// begins the snapshot. To be called once.
  ///
  /// - Parameter patience: how long to wait for the transactions under way.
  /// - Throws: `SQLError`, `.busy` where they take longer, `.serialization` where the server saw a
  ///   deadlock with them; after `close` nobody is held up, and another snapshot may succeed.
  package func holdWriters(patience: Duration) throws(SQLError) {
    do throws(PostgresFailure) {
      let milliseconds = max(Int(patience / .milliseconds(1)), 1)
      try lock.simple("SET statement_timeout = \(milliseconds)", while: "configure a connection")
      try lock.run(.beginRead)
      if !tables.isEmpty {
        let names = lockingOrder.map(PostgresConnection.quoted).joined(separator: ", ")
        try lock.simple("LOCK TABLE \(names) IN SHARE MODE", while: "hold up changes")
      }
      try reader.run(.beginRead)
      var name = ""
      _ = try reader.run("SELECT pg_export_snapshot()") { row throws(SQLError) in
        name = try row.text(0)
      }
      self.name = name
    } catch {
      throw error.error
    }
  }

  /// Every transaction that writes begins with the lock of the migrations' table: once it is held no
  /// new one begins, and the one under way has ended.
  private var lockingOrder: [String] {
    let first = [Migrator.table].filter(tables.contains)
    return first + tables.filter { !first.contains($0) }
  }

  /// Lets the services commit again; the snapshot stays as it is.
  package func releaseWriters() {
    try? lock.run(.rollback)
  }

  /// The number of each table's rows and a sum over their contents, which does not depend on their
  /// order: the same for the same rows, wherever they are.
  package func contents() throws(SQLError) -> [String: String] {
    var contents: [String: String] = [:]
    do throws(PostgresFailure) {
      for table in tables {
        let name = SQL(trustedText: PostgresConnection.quoted(table))
        _ = try reader.run(
          """
          SELECT count(*) || ' rows ' || coalesce(sum(hashtextextended((t.*)::text, 0)), 0)
          FROM \(name) AS t
          """
        ) { row throws(SQLError) in contents[table] = try row.text(0) }
      }
    } catch {
      throw error.error
    }
    return contents
  }

  /// Ends the snapshot; it is not used again.
  package func close() {
    reader.close()
    lock.close()
  }
}
