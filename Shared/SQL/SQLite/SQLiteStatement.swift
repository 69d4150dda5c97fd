private import CSQLite
internal import SQLCore

/// A prepared statement of one connection. It is finalized by its owner, the statement cache.
@safe
final class SQLiteStatement {
  private let handle: OpaquePointer
  private let connection: OpaquePointer
  private let parameterCount: Int
  private var columns: [String] = []
  /// When the statement was last used, in the cache's counting.
  var lastUse = 0

  init(_ handle: OpaquePointer, of connection: OpaquePointer) {
    unsafe self.handle = handle
    unsafe self.connection = connection
    parameterCount = unsafe Int(sqlite3_bind_parameter_count(handle))
  }

  func finalize() {
    unsafe sqlite3_finalize(handle)
  }

  /// Binds the values, gives each row to `receive`, and makes the statement ready for the next use.
  ///
  /// - Parameter buffer: holds the texts and bytes while the statement runs.
  func run(
    _ values: [SQLValue], in buffer: SQLiteBindings,
    _ receive: (Row) throws(SQLError) -> Void
  ) throws(SQLError) {
    // What is bound is not read again before all of it is bound anew.
    defer { unsafe sqlite3_reset(handle) }
    try bind(values, in: buffer)
    while true {
      switch unsafe sqlite3_step(handle) {
      case SQLITE_ROW: try receive(row())
      case SQLITE_DONE: return
      case let code: throw unsafe SQLiteError.latest(code, on: connection, while: "run")
      }
    }
  }

  /// Steps a statement without parameters and rows; the result code.
  func step() -> Int32 {
    let code = unsafe sqlite3_step(handle)
    unsafe sqlite3_reset(handle)
    return code
  }

  private func bind(_ values: [SQLValue], in buffer: SQLiteBindings) throws(SQLError) {
    guard parameterCount == values.count else {
      throw SQLError(
        .misuse, "the statement takes \(parameterCount) parameters, not \(values.count)")
    }
    buffer.clear(for: values)
    var index: Int32 = 0
    for value in values {
      index += 1
      let code =
        switch value {
        case .null: unsafe sqlite3_bind_null(handle, index)
        case .integer(let number): unsafe sqlite3_bind_int64(handle, index, number)
        case .text(let text): unsafe buffer.bind(text, to: index, of: handle)
        case .blob(let blob): unsafe buffer.bind(blob, to: index, of: handle)
        case .id(let id): unsafe buffer.bind(id, to: index, of: handle)
        }
      guard code == SQLITE_OK else {
        throw unsafe SQLiteError.latest(code, on: connection, while: "bind parameter \(index)")
      }
    }
  }

  private func row() throws(SQLError) -> Row {
    let count = unsafe sqlite3_column_count(handle)
    if columns.count != Int(count) { readColumnNames(count) }
    var values: [SQLValue] = []
    values.reserveCapacity(Int(count))
    for index in 0..<count { values.append(try value(index)) }
    return Row(columns: columns, values: values)
  }

  private func readColumnNames(_ count: Int32) {
    columns = (0..<count).map { index in
      guard let name = unsafe sqlite3_column_name(handle, index) else { return "" }
      return unsafe String(cString: name)
    }
  }

  private func value(_ index: Int32) throws(SQLError) -> SQLValue {
    switch unsafe sqlite3_column_type(handle, index) {
    case SQLITE_NULL: return .null
    case SQLITE_INTEGER: return unsafe .integer(sqlite3_column_int64(handle, index))
    case SQLITE_TEXT:
      let start = unsafe sqlite3_column_text(handle, index)
      let bytes = unsafe UnsafeBufferPointer(
        start: start, count: Int(sqlite3_column_bytes(handle, index)))
      guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
        throw SQLError(.unexpectedValue, "column \(columns[Int(index)]) holds text not in UTF-8")
      }
      return .text(text)
    case SQLITE_BLOB:
      let start = unsafe sqlite3_column_blob(handle, index)
      let bytes = unsafe UnsafeRawBufferPointer(
        start: start, count: Int(sqlite3_column_bytes(handle, index)))
      return unsafe .blob(Array(bytes))
    default:
      throw SQLError(
        .unexpectedValue, "column \(columns[Int(index)]) holds a floating-point number")
    }
  }
}
