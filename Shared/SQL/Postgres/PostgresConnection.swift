private import CPostgres
private import Glibc
internal import SQLCore

/// One connection to the server with its prepared statements, for the thread that made it.
@safe
final class PostgresConnection {
  /// The statements that delimit transactions.
  enum Control: String {
    case beginWrite = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"
    case beginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    case commit = "COMMIT"
    case rollback = "ROLLBACK"
  }

  /// A prepared statement.
  private final class Statement {
    let name: String
    /// The parameters' types as declared; 0 where the value was NULL.
    let types: [UInt32]
    var columns: [String] = []
    var columnTypes: [UInt32] = []
    var lastUse = 0

    init(name: String, types: [UInt32]) {
      self.name = name
      self.types = types
    }

    /// Whether the values can be bound: NULL is of every type.
    func takes(_ values: [SQLValue]) -> Bool {
      zip(types, values).allSatisfy { type, value in
        value == .null || type == PostgresValue.type(of: value)
      }
    }
  }

  private let handle: OpaquePointer
  private let cacheSize: Int
  private let answerPatience: Duration
  /// Whether the server has kept silent for too long.
  private var isGivenUp = false
  /// By the text; several where NULL stands for a parameter.
  private var statements: [SQLTemplate: [Statement]] = [:]
  private var uses = 0
  private var prepared = 0

  /// Connects, which blocks. Throws `.cannotOpen`, or `.overloaded` when the server has no
  /// connection left.
  ///
  /// - Parameter database: another one than the URL names.
  init(
    url: String, database: String? = nil, configuration: PostgresConfiguration
  ) throws(SQLError) {
    cacheSize = configuration.statementCacheSize
    answerPatience = configuration.answerPatience
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
      try configure(configuration)
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
  /// transaction collide with every write to it.
  private func configure(_ configuration: PostgresConfiguration) throws(PostgresFailure) {
    try simple(
      """
      SET statement_timeout = \(configuration.statementTimeoutMilliseconds);
      SET lock_timeout = \(configuration.lockTimeoutMilliseconds);
      SET enable_seqscan = off;
      SET idle_in_transaction_session_timeout = 60000;
      SET client_min_messages = error;
      SET standard_conforming_strings = on;
      SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'
      """, while: "configure a connection")
  }

  /// What libpq says of the latest call, in one line.
  private var message: String {
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

  /// Runs a statement that delimits a transaction.
  func run(_ control: Control) throws(PostgresFailure) {
    try simple(control.rawValue, while: "\(control)")
  }

  /// Runs statements without parameters, as one.
  func simple(_ text: String, while doing: String) throws(PostgresFailure) {
    guard unsafe PQsendQuery(handle, text) == 1 else { throw lost(while: doing) }
    try unsafe finish(while: doing, within: answerPatience)
  }

  /// Runs a statement of a transaction's body; the number of rows that it changed.
  func run(
    _ sql: SQL, _ receive: (Row) throws(SQLError) -> Void
  ) throws(PostgresFailure) -> Int {
    let statement = try cached(sql)
    guard send(statement, sql.values), unsafe PQsetSingleRowMode(handle) == 1 else {
      throw lost(while: "run")
    }
    return try unsafe finish(while: "run", within: answerPatience) { (result) throws(SQLError) in
      try receive(unsafe row(result, of: statement))
    }
  }

  /// Runs several statements without parameters, free of the time limit.
  func script(_ text: String) throws(PostgresFailure) {
    try simple("SET LOCAL statement_timeout = 0", while: "run a script")
    try simple("SET LOCAL lock_timeout = 0", while: "run a script")
    for statement in PostgresScript.statements(text) {
      try refuseControl(statement)
      // Unlike a simple query, this form holds one statement and no more.
      guard unsafe PQsendQueryParams(handle, statement, 0, nil, nil, nil, nil, 1) == 1 else {
        throw lost(while: "run a script")
      }
      try unsafe finish(while: "run a script", within: nil)
    }
  }

  private func refuseControl(_ text: String) throws(PostgresFailure) {
    if PostgresScript.isControl(text) {
      throw PostgresFailure(
        SQLError(.misuse, "statements must not control transactions or the connection"))
    }
  }

  /// Forgets all prepared statements.
  func dropStatements() {
    statements = [:]
    try? simple("DEALLOCATE ALL", while: "drop the prepared statements")
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
}

/// Prepared statements and what is sent.
extension PostgresConnection {
  private func cached(_ sql: SQL) throws(PostgresFailure) -> Statement {
    uses += 1
    if let statement = statements[sql.template]?.first(where: { $0.takes(sql.values) }) {
      statement.lastUse = uses
      return statement
    }
    if statements.count >= cacheSize { try dropOldestStatement() }
    let statement = try prepare(sql)
    statement.lastUse = uses
    statements[sql.template, default: []].append(statement)
    return statement
  }

  private func dropOldestStatement() throws(PostgresFailure) {
    func lastUse(_ statements: [Statement]) -> Int { statements.map(\.lastUse).max() ?? 0 }
    guard let oldest = statements.min(by: { lastUse($0.value) < lastUse($1.value) }) else { return }
    statements[oldest.key] = nil
    for statement in oldest.value {
      try simple("DEALLOCATE \(statement.name)", while: "drop a prepared statement")
    }
  }

  private func prepare(_ sql: SQL) throws(PostgresFailure) -> Statement {
    guard sql.values.count <= Int(UInt16.max) else {
      throw PostgresFailure(SQLError(.tooLarge, "the statement has \(sql.values.count) parameters"))
    }
    let text = sql.rendered(for: .postgres)
    try refuseControl(text)
    prepared += 1
    let statement = Statement(
      name: "kontor_\(prepared)", types: sql.values.map(PostgresValue.type(of:)))
    let isSent = unsafe statement.types.withUnsafeBufferPointer { types in
      unsafe PQsendPrepare(handle, statement.name, text, Int32(types.count), types.baseAddress) == 1
    }
    guard isSent else { throw lost(while: "prepare a statement") }
    try unsafe finish(while: "prepare a statement", within: answerPatience)
    return statement
  }

  /// Sends the values in binary form.
  private func send(_ statement: Statement, _ values: [SQLValue]) -> Bool {
    var bytes: [UInt8] = []
    var offsets: [Int] = []
    for value in values {
      offsets.append(bytes.count)
      PostgresValue.encode(value, into: &bytes)
    }
    offsets.append(bytes.count)
    // An empty value needs an address too.
    bytes.append(0)
    let lengths = values.indices.map { Int32(clamping: offsets[$0 + 1] - offsets[$0]) }
    let formats = [Int32](repeating: 1, count: values.count)
    return unsafe bytes.withUnsafeBytes { bytes in
      let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      let pointers = unsafe values.indices.map { index in
        unsafe values[index] == .null ? nil : start.map { unsafe $0 + offsets[index] }
      }
      return unsafe PQsendQueryPrepared(
        handle, statement.name, Int32(values.count), pointers, lengths, formats, 1) == 1
    }
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

/// Results.
extension PostgresConnection {
  /// Takes all results of what was sent, gives each row to `receive`, and returns how many rows
  /// were changed. The first error is thrown after the last result.
  ///
  /// - Parameter patience: how long the server may keep silent; nil is for ever.
  @discardableResult
  private func finish(
    while doing: String, within patience: Duration?,
    _ receive: (OpaquePointer) throws(SQLError) -> Void = { _ in }
  ) throws(PostgresFailure) -> Int {
    var failure: PostgresFailure?
    var changed = 0
    while try isAnswered(while: doing, within: patience), let result = unsafe PQgetResult(handle) {
      defer { unsafe PQclear(result) }
      switch unsafe PQresultStatus(result) {
      case PGRES_SINGLE_TUPLE:
        if failure != nil { continue }
        do {
          try unsafe receive(result)
        } catch {
          failure = PostgresFailure(error)
        }
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK: changed = unsafe Self.changedRows(result)
      case PGRES_EMPTY_QUERY:
        failure = failure ?? PostgresFailure(SQLError(.misuse, "the statement is empty"))
      default:
        failure = unsafe failure ?? PostgresFailure(result, while: doing)
      }
    }
    if isLost { throw lost(while: doing) }
    if let failure { throw failure }
    return changed
  }

  /// Waits until the next result can be taken without waiting. Always true: silence throws.
  private func isAnswered(
    while doing: String, within patience: Duration?
  ) throws(PostgresFailure) -> Bool {
    guard let patience else { return true }
    let end = ContinuousClock.now + patience
    while unsafe PQisBusy(handle) == 1 {
      let milliseconds = max((end - .now) / .milliseconds(1), 0).rounded(.up)
      var wait = pollfd(fd: unsafe PQsocket(handle), events: Int16(POLLIN), revents: 0)
      // What has not been sent yet goes out with what PQconsumeInput does.
      if unsafe poll(&wait, 1, Int32(milliseconds)) == 0 {
        isGivenUp = true
        let message = "\(doing): PostgreSQL did not answer within \(patience)"
        throw PostgresFailure(SQLError(.connectionLost, message), .lost)
      }
      // A lost connection is told by the result.
      if unsafe PQconsumeInput(handle) == 0 { return true }
    }
    return true
  }

  private func lost(while doing: String) -> PostgresFailure {
    let isLost = isLost
    return PostgresFailure(
      SQLError(isLost ? .connectionLost : .misuse, "\(doing): \(message)"), isLost ? .lost : .none)
  }

  /// The number in the command's tag, which for a query is no change.
  private static func changedRows(_ result: OpaquePointer) -> Int {
    guard let tag = unsafe PQcmdStatus(result), let count = unsafe PQcmdTuples(result) else {
      return 0
    }
    let command = unsafe String(cString: tag)
    let changes = ["INSERT", "UPDATE", "DELETE", "MERGE"]
    guard changes.contains(where: command.hasPrefix) else { return 0 }
    return unsafe Int(String(cString: count)) ?? 0
  }

  private func row(_ result: OpaquePointer, of statement: Statement) throws(SQLError) -> Row {
    let count = unsafe PQnfields(result)
    if statement.columns.count != Int(count) {
      statement.columns = (0..<count).map { index in
        unsafe PQfname(result, index).map { unsafe String(cString: $0) } ?? ""
      }
      statement.columnTypes = (0..<count).map { unsafe PQftype(result, $0) }
    }
    var values: [SQLValue] = []
    values.reserveCapacity(Int(count))
    for index in 0..<count {
      if unsafe PQgetisnull(result, 0, index) == 1 {
        values.append(.null)
        continue
      }
      let bytes = unsafe UnsafeRawBufferPointer(
        start: PQgetvalue(result, 0, index), count: Int(PQgetlength(result, 0, index)))
      values.append(
        try unsafe PostgresValue.decode(
          bytes, type: statement.columnTypes[Int(index)], column: statement.columns[Int(index)]))
    }
    return Row(columns: statement.columns, values: values)
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
