private import CPostgres
private import Glibc
internal import SQLCore

/// One connection to the server with its prepared statements, for the thread that made it.
@safe
final class PostgresConnection {
  /// The statements that the driver runs for itself.
  enum Control {
    case beginWrite
    case takeTurn
    case beginRead
    case commit
    case rollback
    case savepoint
    case release
    case rollbackToSavepoint
    case withoutStatementTimeout
    case withoutLockTimeout
    case withStatementTimeout
    case withLockTimeout
    case dropStatements

    func text(_ configuration: PostgresConfiguration) -> String {
      switch self {
      case .beginWrite: "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"
      // The only command that waits for others before the transaction has its snapshot. Reads and
      // the table's other writers are not held up.
      case .takeTurn: "LOCK TABLE \(Migrator.table) IN SHARE UPDATE EXCLUSIVE MODE"
      case .beginRead: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
      case .commit: "COMMIT"
      case .rollback: "ROLLBACK"
      case .savepoint: "SAVEPOINT body"
      case .release: "RELEASE SAVEPOINT body"
      case .rollbackToSavepoint: "ROLLBACK TO SAVEPOINT body"
      case .withoutStatementTimeout: "SET LOCAL statement_timeout = 0"
      case .withoutLockTimeout: "SET LOCAL lock_timeout = 0"
      case .withStatementTimeout:
        "SET LOCAL statement_timeout = \(configuration.statementTimeoutMilliseconds)"
      case .withLockTimeout: "SET LOCAL lock_timeout = \(configuration.lockTimeoutMilliseconds)"
      case .dropStatements: "DEALLOCATE ALL"
      }
    }
  }

  let handle: OpaquePointer
  let configuration: PostgresConfiguration
  /// What has not been answered, in its order.
  var sent: [Sent] = []
  /// Which body of a batch runs; nil while the driver works for itself.
  var body: Int?
  var statements: PostgresStatements
  var controls: [Control: PostgresStatement] = [:]
  /// Whether what the server says cannot be followed any more: it has kept silent for too long.
  var isGivenUp = false
  /// Whether there is the table whose lock orders the writers of all processes.
  private var hasTurns = false

  /// Connects, which blocks. Throws `.cannotOpen`, or `.overloaded` when the server has no
  /// connection left.
  ///
  /// - Parameter database: another one than the URL names.
  init(
    url: String, database: String? = nil, configuration: PostgresConfiguration
  ) throws(SQLError) {
    self.configuration = configuration
    statements = PostgresStatements(capacity: configuration.statementCacheSize)
    // What stands before `dbname`, the URL, it may override; what stands behind it, not.
    let options =
      [
        ("connect_timeout", "5"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
        ("keepalives_count", "3"), ("tcp_user_timeout", "30000"),
        ("fallback_application_name", "kontor"), ("dbname", url), ("client_encoding", "UTF8"),
      ] + (database.map { [("dbname", $0)] } ?? [])
    let opened = unsafe Self.withStrings(options.map(\.0)) { keywords in
      unsafe Self.withStrings(options.map(\.1)) { values in
        unsafe PQconnectdbParams(keywords, values, 1)
      }
    }
    guard let opened = unsafe opened else {
      throw SQLError(.cannotOpen, "no memory for a connection to PostgreSQL")
    }
    unsafe handle = opened
    unsafe kontor_pq_drop_notices(handle)
    guard unsafe PQstatus(handle) == CONNECTION_OK else {
      let message = message
      close()
      // libpq keeps no SQLSTATE of a refused connection, only its text.
      let isFull = ["too many clients", "too many connections", "remaining connection slots"]
        .contains(where: message.contains)
      throw SQLError(
        isFull ? .overloaded : .cannotOpen, "PostgreSQL cannot be reached: \(message)")
    }
    do {
      try configure()
    } catch {
      close()
      throw SQLError(.cannotOpen, error.error.message)
    }
  }

  /// Closes the connection, which is not used again.
  func close() {
    unsafe PQfinish(handle)
  }

  /// Reading a table as a whole, as the planner likes to while it is small, would make a serializable
  /// transaction collide with every write to it. The price that such a plan is given would also have
  /// it compiled.
  private func configure() throws(PostgresFailure) {
    guard unsafe PQenterPipelineMode(handle) == 1 else { throw lost(while: "begin the pipeline") }
    for text in [
      "SET statement_timeout = \(configuration.statementTimeoutMilliseconds)",
      "SET lock_timeout = \(configuration.lockTimeoutMilliseconds)",
      "SET enable_seqscan = off", "SET jit = off",
      "SET idle_in_transaction_session_timeout = 60000", "SET client_min_messages = error",
      "SET standard_conforming_strings = on",
      """
      SELECT set_config('synchronous_commit', 'on', false)
      WHERE current_setting('synchronous_commit') = 'off'
      """,
    ] { try send(text) }
    try synchronize()
  }

  /// What libpq says of the latest call, in one line.
  var message: String {
    guard let text = unsafe PQerrorMessage(handle) else { return "" }
    let message = unsafe String(cString: text)
    return message.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// Whether the connection can be used no more.
  var isLost: Bool {
    unsafe isGivenUp || PQstatus(handle) != CONNECTION_OK
  }

  /// Whether a transaction is open, failed or not.
  var isInTransaction: Bool {
    unsafe PQtransactionStatus(handle) != PQTRANS_IDLE
  }

  /// Begins a transaction that writes, when its turn has come: the writers of all processes that
  /// share the database follow one another, so that they do not collide. Before the first migration
  /// there is no table to take turns by.
  func beginWrite() throws(PostgresFailure) {
    if !hasTurns {
      let name = Migrator.table
      _ = try run("SELECT 1 WHERE to_regclass(\(name)) IS NOT NULL") { (_) throws(SQLError) in
        hasTurns = true
      }
    }
    try enqueue(.beginWrite)
    if hasTurns { try enqueue(.takeTurn) }
  }

  /// The columns of a unique index as `table.column`, in its order; nil for an index on an
  /// expression, or one that does not exist any more.
  func columns(ofIndex index: (schema: String, name: String)) throws(PostgresFailure) -> [String]? {
    var columns: [String?] = []
    _ = try run(
      """
      SELECT c.relname, a.attname
      FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
      JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
      CROSS JOIN generate_series(0, i.indnkeyatts - 1) AS k (position)
      LEFT JOIN pg_catalog.pg_attribute a
        ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.position] AND a.attnum > 0
      WHERE n.nspname = \(index.schema) AND x.relname = \(index.name)
      ORDER BY k.position
      """
    ) { row throws(SQLError) in
      let table = try row.text(0)
      columns.append(try row.optionalText(1).map { "\(table).\($0)" })
    }
    let named = columns.compactMap { $0 }
    return named.isEmpty || named.count < columns.count ? nil : named
  }

  /// Lends the texts as C strings, with a null pointer at the end.
  private static func withStrings<Result>(
    _ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = unsafe texts.map { unsafe strdup($0) }
    defer { unsafe copies.forEach { unsafe free($0) } }
    return unsafe body(copies.map { unsafe UnsafePointer($0) } + [nil])
  }
}

/// URLs.
extension PostgresConnection {
  /// Throws `.cannotOpen` when the text is no URL of PostgreSQL. The message does not quote it: it
  /// may hold a password.
  static func check(url: String) throws(SQLError) {
    let hasScheme = ["postgres://", "postgresql://"].contains(where: url.hasPrefix)
    let options = unsafe hasScheme ? PQconninfoParse(url, nil) : nil
    guard let options = unsafe options else {
      throw SQLError(
        .cannotOpen,
        "the database's URL is none of PostgreSQL: expected postgres://user@host:port/database?…")
    }
    unsafe PQconninfoFree(options)
  }

  /// Makes the database that the URL names where it is missing. Blocks.
  static func makeDatabase(of url: String) throws(SQLError) {
    guard let name = database(of: url) else { return }
    var configuration = PostgresConfiguration()
    configuration.statementTimeoutMilliseconds = 60_000
    configuration.answerPatience = .seconds(65)
    let connection = try PostgresConnection(
      url: url, database: "postgres", configuration: configuration)
    defer { connection.close() }
    do throws(PostgresFailure) {
      var isThere = false
      _ = try connection.run(
        "SELECT 1 FROM pg_catalog.pg_database WHERE datname = \(name)"
      ) { (_) throws(SQLError) in isThere = true }
      if isThere { return }
      try connection.makeDatabase(name)
    } catch {
      // Another replica was quicker, by a little or by more.
      if error.state != "42P04" && error.state != "23505" { throw error.error }
    }
  }

  /// Makes a database that is not there: UTF-8, with text compared bytewise.
  func makeDatabase(_ name: String) throws(PostgresFailure) {
    try simple(
      """
      CREATE DATABASE \(Self.quoted(name)) TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'
        LC_CTYPE 'C'
      """, while: "make the database \(name)")
  }

  /// A name as it stands in a statement.
  static func quoted(_ name: String) -> String {
    "\"" + name.replacing("\"", with: "\"\"") + "\""
  }

  /// The database that the URL names.
  static func database(of url: String) -> String? {
    guard let options = unsafe PQconninfoParse(url, nil) else { return nil }
    defer { unsafe PQconninfoFree(options) }
    var index = 0
    while let keyword = unsafe options[index].keyword {
      if unsafe String(cString: keyword) == "dbname" {
        return unsafe options[index].val.map { unsafe String(cString: $0) }
      }
      index += 1
    }
    return nil
  }
}
