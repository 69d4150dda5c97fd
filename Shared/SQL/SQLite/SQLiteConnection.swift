private import CSQLite
internal import SQLCore

/// One connection with its prepared statements.
///
/// Unchecked, because it moves between threads: the opener prepares it, one thread uses it, the
/// last thread to end closes it; never two at once.
@safe
final class SQLiteConnection: @unchecked Sendable {
  /// What a connection is for.
  enum Role {
    case writer
    case reader
  }

  /// The statements that delimit transactions. They are prepared once.
  enum Control: String, CaseIterable {
    case begin = "BEGIN"
    case beginImmediate = "BEGIN IMMEDIATE"
    case commit = "COMMIT"
    case rollback = "ROLLBACK"
    case savepoint = "SAVEPOINT body"
    case release = "RELEASE body"
    case rollbackToSavepoint = "ROLLBACK TO body"
  }

  /// Whether the library's own settings were made; they are made once.
  private static let isLibraryPrepared =
    kontor_sqlite3_prepare() == SQLITE_OK

  private let handle: OpaquePointer
  private let configuration: SQLiteConfiguration
  private var statements: [SQLTemplate: SQLiteStatement] = [:]
  private var controls: [Control: SQLiteStatement] = [:]
  private let bindings = SQLiteBindings()
  private var uses = 0
  private var logLength = 0
  private var checkpointedLength = 0
  /// What the C callbacks read and write: the log's length in frames, and whether statements may
  /// control transactions.
  private let frames: UnsafeMutablePointer<Int32>
  private let isTrusted: UnsafeMutablePointer<Int32>

  init(
    path: String, role: Role, configuration: SQLiteConfiguration
  ) throws(SQLError) {
    self.configuration = configuration
    _ = Self.isLibraryPrepared
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let code = unsafe sqlite3_open_v2(
      path, &handle, flags, kontor_sqlite3_vfs_on(configuration.virtualFileSystem))
    guard code == SQLITE_OK, let opened = unsafe handle else {
      let error = unsafe SQLiteError.latest(code, on: handle, while: "open \(path)")
      unsafe sqlite3_close_v2(handle)
      throw error
    }
    unsafe self.handle = opened
    unsafe frames = .allocate(capacity: 1)
    unsafe frames.initialize(to: 0)
    unsafe isTrusted = .allocate(capacity: 1)
    unsafe isTrusted.initialize(to: 1)
    do {
      try configure(role)
    } catch {
      close()
      throw error.code == .corrupt
        ? SQLError(.corrupt, "\(path) is not a usable SQLite database: \(error.message)") : error
    }
  }

  deinit {
    unsafe frames.deallocate()
    unsafe isTrusted.deallocate()
  }

  /// Finalizes all statements and closes the connection, which is not used again.
  func close() {
    for statement in statements.values { statement.finalize() }
    for statement in controls.values { statement.finalize() }
    statements = [:]
    controls = [:]
    unsafe sqlite3_close_v2(handle)
  }

  private func configure(_ role: Role) throws(SQLError) {
    let isOwner = role == .writer && !configuration.isGuest
    unsafe sqlite3_busy_timeout(handle, configuration.busyTimeoutMilliseconds)
    // Large enough for the registers of a trigger. Without it malloc serves them.
    _ = unsafe kontor_sqlite3_use_lookaside(handle, 4096, 128)
    for (option, on) in [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
      (SQLITE_DBCONFIG_DQS_DDL, 0), (SQLITE_DBCONFIG_DQS_DML, 0),
      (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, isOwner ? 0 : 1),
    ] as [(Int32, Int32)] {
      let code = unsafe kontor_sqlite3_configure(handle, option, on)
      if code != SQLITE_OK {
        throw unsafe SQLiteError.latest(code, on: handle, while: "configure")
      }
    }
    if isOwner { try useWriteAheadLog() }
    try script(
      """
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA cell_size_check = ON;
      PRAGMA secure_delete = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -\(configuration.cacheKibibytes);
      PRAGMA query_only = \(role == .reader ? "ON" : "OFF");
      """)
    // Checkpoints are made by the writer itself: SQLite's automatic ones drop their errors, a
    // failed fsync among them.
    if role == .writer { unsafe kontor_sqlite3_count_frames(handle, frames) }
    if isOwner { try makeRecoveredDurable() }
    for control in Control.allCases { controls[control] = try prepare(control.rawValue) }
    unsafe kontor_sqlite3_guard(handle, isTrusted)
    unsafe isTrusted.pointee = 0
  }

  private func useWriteAheadLog() throws(SQLError) {
    let statement = try prepare("PRAGMA journal_mode = WAL")
    defer { statement.finalize() }
    var mode = ""
    try statement.run([], in: bindings) { row throws(SQLError) in mode = try row.text(0) }
    guard mode == "wal" else {
      throw SQLError(.cannotOpen, "the file system allows no write-ahead log (mode \(mode))")
    }
  }

  /// Synchronizes the log that an earlier process left, and moves it into the database file. That
  /// process may have been killed, or have stopped, between a commit's write and its fsync: the
  /// commit counts now, and its repetition is answered without a write of its own.
  private func makeRecoveredDurable() throws(SQLError) {
    let code = checkpoint(restarting: false)
    // On a full disk the log was synchronized before it could not be moved.
    guard code != SQLITE_OK && code != SQLITE_FULL else { return }
    throw error(code, while: "make the log of the last run durable")
  }

  /// Runs a statement that delimits a transaction; SQLite's result code.
  func run(_ control: Control) -> Int32 {
    guard let statement = controls[control] else { return SQLITE_MISUSE }
    unsafe isTrusted.pointee = 1
    defer { unsafe isTrusted.pointee = 0 }
    return statement.step()
  }

  /// Begins a transaction; SQLite's result code. One that could not be ended for want of memory is
  /// ended first.
  func begin(_ control: Control) -> Int32 {
    rollBack()
    return run(control)
  }

  /// Ends an open transaction without its changes.
  func rollBack() {
    if isInTransaction { _ = run(.rollback) }
  }

  /// The error that goes with a result code of the latest call.
  func error(_ code: Int32, while doing: String, file: String = #fileID) -> SQLError {
    unsafe SQLiteError.latest(code, on: handle, while: doing, file: file)
  }

  /// Whether a transaction is open. SQLite rolls back on its own on some errors.
  var isInTransaction: Bool {
    unsafe sqlite3_get_autocommit(handle) == 0
  }

  /// Rows inserted, changed and deleted since the connection was opened.
  var totalChanges: Int64 {
    unsafe sqlite3_total_changes64(handle)
  }

  /// Runs a statement of a transaction's body; the number of rows that it changed.
  func run(
    _ sql: SQL, _ receive: (Row) throws(SQLError) -> Void
  ) throws(SQLError) -> Int {
    let statement = try cached(sql)
    let before = totalChanges
    try statement.run(sql.values, in: bindings, receive)
    // The latest change's count stays when a statement changes nothing.
    return totalChanges == before ? 0 : unsafe Int(sqlite3_changes64(handle))
  }

  /// Runs several statements without parameters.
  func script(_ text: String) throws(SQLError) {
    let code = unsafe sqlite3_exec(handle, text, nil, nil, nil)
    if code != SQLITE_OK { throw error(code, while: "run a script") }
  }

  private func cached(_ sql: SQL) throws(SQLError) -> SQLiteStatement {
    uses += 1
    if let statement = statements[sql.template] {
      statement.lastUse = uses
      return statement
    }
    if statements.count >= configuration.statementCacheSize { dropOldestStatement() }
    let statement = try prepare(Self.failing(sql.rendered(for: .sqlite)))
    statement.lastUse = uses
    statements[sql.template] = statement
    return statement
  }

  /// Has a change that fails leave what it has done so far, for which SQLite need not keep copies of
  /// the pages: the body's transaction is over all the same.
  private static func failing(_ text: String) -> String {
    for command in ["INSERT", "UPDATE"] {
      guard text.hasPrefix(command + " "), !text.hasPrefix(command + " OR ") else { continue }
      return command + " OR FAIL" + text.dropFirst(command.utf8.count)
    }
    return text
  }

  private func dropOldestStatement() {
    guard let oldest = statements.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
    oldest.value.finalize()
    statements[oldest.key] = nil
  }

  private func prepare(_ text: String) throws(SQLError) -> SQLiteStatement {
    var text = text
    var prepared: OpaquePointer?
    var rest = 0
    let code = text.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
        var tail: UnsafePointer<CChar>?
        let code = unsafe sqlite3_prepare_v3(
          handle, characters.baseAddress, Int32(clamping: characters.count),
          UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, &tail)
        if let tail = unsafe tail, let start = characters.baseAddress {
          rest = unsafe bytes.dropFirst(tail - start).count { $0 > 0x20 && $0 != 0x3B }
        }
        return code
      }
    }
    guard code == SQLITE_OK else { throw error(code, while: "prepare a statement") }
    guard let statement = unsafe prepared else {
      throw SQLError(.misuse, "the statement is empty")
    }
    guard rest == 0 else {
      unsafe sqlite3_finalize(statement)
      throw SQLError(.misuse, "the text holds more than one statement")
    }
    return unsafe SQLiteStatement(statement, of: handle)
  }
}

/// The write-ahead log.
extension SQLiteConnection {
  /// The log's length in pages when it has grown by so many since it began or since the last answer;
  /// else nil. An attempt that readers hold up is not repeated with every commit.
  func logLength(every pages: Int) -> Int? {
    let length = unsafe Int(frames.pointee)
    unsafe frames.pointee = 0
    guard length > 0 else { return nil }
    // A commit adds pages: a log that is no longer has begun anew.
    if length <= logLength { checkpointedLength = 0 }
    logLength = length
    guard length >= checkpointedLength + pages else { return nil }
    checkpointedLength = length
    return length
  }

  /// Moves the log's content into the database file; SQLite's result code. Waits for readers only
  /// when `restarting` the log at its beginning.
  func checkpoint(restarting: Bool) -> Int32 {
    unsafe sqlite3_wal_checkpoint_v2(
      handle, nil, restarting ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, nil, nil)
  }

  /// Leaves the log as it is when the connection closes: after a failed fsync nothing is moved.
  func keepLogOnClose() {
    unsafe kontor_sqlite3_configure(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
  }
}

/// Copies.
extension SQLiteConnection {
  /// Writes what this connection's transaction sees to a new database file, which needs no log
  /// beside it, and synchronizes it.
  func copy(to path: String) throws(SQLError) {
    var opened: OpaquePointer?
    let flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
    defer { unsafe sqlite3_close_v2(opened) }
    guard code == SQLITE_OK, let target = unsafe opened else {
      throw unsafe SQLiteError.latest(code, on: opened, while: "open \(path)")
    }
    guard let backup = unsafe sqlite3_backup_init(target, "main", handle, "main") else {
      throw unsafe SQLiteError.latest(sqlite3_errcode(target), on: target, while: "copy to \(path)")
    }
    // All pages in one step: between two, another process could change them.
    unsafe sqlite3_backup_step(backup, -1)
    let result = unsafe sqlite3_backup_finish(backup)
    guard result == SQLITE_OK else {
      throw unsafe SQLiteError.latest(result, on: target, while: "copy to \(path)")
    }
    let ended = unsafe sqlite3_exec(target, "PRAGMA journal_mode = DELETE", nil, nil, nil)
    guard ended == SQLITE_OK else {
      throw unsafe SQLiteError.latest(ended, on: target, while: "end the log of \(path)")
    }
  }
}
