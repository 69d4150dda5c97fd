private import CSQLite
internal import SQLCore

/// The translation of SQLite's result codes and messages.
enum SQLiteError {
  /// The error of a connection's latest call, which returned `code`.
  static func latest(
    _ code: Int32, on connection: OpaquePointer?, while doing: String, file: String = #fileID
  ) -> SQLError {
    guard let connection = unsafe connection else {
      return error(code, extended: code, message: "out of memory", while: doing, file: file)
    }
    let extended = unsafe sqlite3_extended_errcode(connection)
    // The connection remembers its latest call; a code from elsewhere stands for itself.
    let matches = extended & 0xFF == code & 0xFF
    let message = unsafe matches ? String(cString: sqlite3_errmsg(connection)) : text(code)
    return error(
      code, extended: matches ? extended : code, message: message, while: doing, file: file)
  }

  /// Whether a result code is none of an error.
  static func isDone(_ code: Int32) -> Bool { code == SQLITE_DONE || code == SQLITE_OK }

  /// SQLite's words for a result code.
  static func text(_ code: Int32) -> String {
    guard let text = unsafe sqlite3_errstr(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  private static func error(
    _ code: Int32, extended: Int32, message: String, while doing: String, file: String
  ) -> SQLError {
    let kind: SQLError.Code =
      switch extended & 0xFF {
      case SQLITE_CONSTRAINT: constraint(extended, message)
      case SQLITE_BUSY, SQLITE_LOCKED: .busy
      case SQLITE_FULL: .full
      case SQLITE_NOMEM: .outOfMemory
      case SQLITE_IOERR: .io
      case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
      case SQLITE_READONLY: .readOnly
      case SQLITE_CANTOPEN, SQLITE_PERM: .cannotOpen
      case SQLITE_TOOBIG: .tooLarge
      case SQLITE_ERROR, SQLITE_MISUSE, SQLITE_RANGE, SQLITE_AUTH, SQLITE_MISMATCH: .misuse
      default: .other
      }
    return SQLError(kind, "\(doing): \(message) (SQLite \(extended))", file: file)
  }

  private static func constraint(_ extended: Int32, _ message: String) -> SQLError.Code {
    switch extended {
    case kontor_sqlite3_constraint_unique, kontor_sqlite3_constraint_primary_key,
      kontor_sqlite3_constraint_rowid:
      .unique(uniqueColumns(message))
    case kontor_sqlite3_constraint_check:
      .check(detail(message, after: "CHECK constraint failed: "))
    case kontor_sqlite3_constraint_not_null:
      .notNull(detail(message, after: "NOT NULL constraint failed: "))
    case kontor_sqlite3_constraint_foreign_key: .foreignKey(nil)
    case kontor_sqlite3_constraint_trigger: .constraint(message)
    default: .constraint(nil)
    }
  }

  /// `UNIQUE constraint failed: a.x, a.y` names columns, of an index on an expression
  /// `UNIQUE constraint failed: index 'name'`.
  static func uniqueColumns(_ message: String) -> [String] {
    let list = detail(message, after: "UNIQUE constraint failed: ")
    if list.hasPrefix("index '") && list.hasSuffix("'") {
      return ["index:" + list.dropFirst(7).dropLast()]
    }
    var columns: [String] = []
    var column = ""
    for character in list {
      switch character {
      case ",":
        columns.append(column)
        column = ""
      case " ": break
      default: column.append(character)
      }
    }
    columns.append(column)
    return columns
  }

  private static func detail(_ message: String, after prefix: String) -> String {
    message.hasPrefix(prefix) ? String(message.dropFirst(prefix.utf8.count)) : message
  }
}
