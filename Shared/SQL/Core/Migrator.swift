/// Brings a database's schema up to the program's, forward only.
///
/// What ran is recorded in the table `schema_migration`. All pending steps run in one transaction,
/// in the order of their numbers, under a lock, so a start that fails changes nothing
/// and two programs that start at once do not collide.
package struct Migrator: Sendable {
  /// The table of what ran. On PostgreSQL its lock orders all writers, migrations among them.
  package static let table = "schema_migration"

  private let migrations: [Migration]

  /// Takes the migrations in any order; two with the same number are a programmer's error.
  package init(_ migrations: [Migration]) {
    self.migrations = migrations.sorted { $0.number < $1.number }
    for (earlier, later) in zip(self.migrations, self.migrations.dropFirst()) {
      precondition(
        earlier.number != later.number,
        "migrations \(earlier.name) and \(later.name) have the same number")
    }
  }

  /// Runs what is pending and returns it. Throws `SQLError.Code.migration`, and changes nothing,
  /// when a recorded migration was edited or renamed since, when the database knows one that this
  /// program does not, or when a step has no text for the dialect.
  @discardableResult
  package func migrate(_ database: any Database) async throws -> [Migration] {
    let migrations = migrations
    try await Self.patiently(database) { transaction in try Self.createTable(in: transaction) }
    return try await Self.patiently(database) { transaction in
      try Self.migrate(migrations, in: transaction)
    }
  }

  /// Waits for the turn to write however long another program migrates.
  private static func patiently<Result: Sendable>(
    _ database: any Database, _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    while true {
      do {
        return try await database.write(body)
      } catch let error as SQLError where error.code == .busy && database.dialect.isShared {
        try Task.checkCancellation()
      }
    }
  }

  /// Compares what a database has with this program's steps, changing nothing, and returns those
  /// that it has not.
  ///
  /// - Throws: `SQLError`, with the code `.migration` as ``migrate(_:)``.
  package func pending(in transaction: any Transaction) throws(SQLError) -> [Migration] {
    let recorded = try Self.recorded(in: transaction)
    try Self.check(recorded, against: migrations, dialect: transaction.dialect)
    return migrations.filter { recorded[$0.number] == nil }
  }

  private static func recorded(
    in transaction: any Transaction
  ) throws(SQLError) -> [Int: (name: String, checksum: String)] {
    var recorded: [Int: (name: String, checksum: String)] = [:]
    for row in try transaction.rows("SELECT number, name, checksum FROM schema_migration") {
      recorded[try row.int("number")] = (try row.text("name"), try row.text("checksum"))
    }
    return recorded
  }

  private static func migrate(
    _ migrations: [Migration], in transaction: any Transaction
  ) throws(SQLError) -> [Migration] {
    let dialect = transaction.dialect
    try lock(transaction)
    let recorded = try recorded(in: transaction)
    try check(recorded, against: migrations, dialect: dialect)
    let pending = migrations.filter { recorded[$0.number] == nil }
    for migration in pending {
      let text = migration.text(for: dialect)
      if text.isEmpty {
        throw SQLError(
          .migration, "migration \(migration.label) has no statements for \(dialect)")
      }
      do {
        try transaction.script(text)
      } catch {
        throw SQLError(error.code, "migration \(migration.label) failed: \(error.message)")
      }
      try transaction.execute(
        """
        INSERT INTO schema_migration (number, name, checksum, applied_at_us)
        VALUES (\(migration.number), \(migration.name), \(migration.checksum(for: dialect)),
          \(now(dialect)))
        """)
    }
    return pending
  }

  private static func createTable(in transaction: any Transaction) throws(SQLError) {
    switch transaction.dialect {
    case .sqlite:
      try transaction.script(
        """
        CREATE TABLE IF NOT EXISTS schema_migration (
          number INTEGER NOT NULL PRIMARY KEY,
          name TEXT NOT NULL,
          checksum TEXT NOT NULL,
          applied_at_us INTEGER NOT NULL
        ) STRICT
        """)
    case .postgres:
      // Two that create the same table at once would collide in the catalogue.
      try transaction.script("SELECT pg_advisory_xact_lock(5494030641)")
      try transaction.script(
        """
        CREATE TABLE IF NOT EXISTS schema_migration (
          number bigint NOT NULL PRIMARY KEY,
          name text NOT NULL,
          checksum text NOT NULL,
          applied_at_us bigint NOT NULL
        )
        """)
    }
  }

  /// Waits until no other program migrates.
  private static func lock(_ transaction: any Transaction) throws(SQLError) {
    switch transaction.dialect {
    // A write is alone already.
    case .sqlite: break
    // As the first statement, it comes before the transaction's snapshot, which so has what
    // another program has migrated meanwhile. An advisory lock is taken by a query, after it.
    case .postgres: try transaction.script("LOCK TABLE schema_migration IN EXCLUSIVE MODE")
    }
  }

  /// The database's own time in microseconds: a record for people, no rule depends on it.
  private static func now(_ dialect: Dialect) -> SQL {
    switch dialect {
    case .sqlite: "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
    case .postgres: "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
    }
  }

  private static func check(
    _ recorded: [Int: (name: String, checksum: String)], against migrations: [Migration],
    dialect: Dialect
  ) throws(SQLError) {
    var known: [Int: Migration] = [:]
    for migration in migrations { known[migration.number] = migration }
    for (number, record) in recorded.sorted(by: { $0.key < $1.key }) {
      guard let migration = known[number] else {
        throw SQLError(
          .migration,
          """
          the database has migration \(number) (\(record.name)), which this program does not know: \
          it was written by a newer program
          """)
      }
      guard migration.name == record.name else {
        throw SQLError(
          .migration,
          """
          migration \(migration.label) was renamed after it ran: the database knows it as \
          \(record.name)
          """)
      }
      guard migration.checksum(for: dialect) == record.checksum else {
        throw SQLError(
          .migration,
          """
          migration \(migration.label) was edited after it ran: the database recorded checksum \
          \(record.checksum), this program has \(migration.checksum(for: dialect))
          """)
      }
    }
  }
}

extension Migration {
  /// How messages name it: `100 (create_orders)`.
  fileprivate var label: String { "\(number) (\(name))" }
}
