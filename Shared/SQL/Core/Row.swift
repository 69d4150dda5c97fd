/// One row of a result. Columns are read by name or by position (from 0); a wrong name, a wrong
/// type and an unexpected NULL throw `SQLError.Code.unexpectedValue`.
package struct Row: Sendable, Hashable {
  /// The columns' names, shared by all rows of a result.
  package let columns: [String]
  /// The values, one for each column.
  package let values: [SQLValue]

  package init(columns: [String], values: [SQLValue]) {
    precondition(columns.count == values.count, "a row needs one value for each column")
    self.columns = columns
    self.values = values
  }

  /// The value as stored.
  package func value(_ column: String) throws(SQLError) -> SQLValue {
    // Results are narrow: a linear search beats a dictionary.
    guard let index = columns.firstIndex(of: column) else {
      throw SQLError(
        .unexpectedValue, "no column \(column) in the result (\(columns.joined(separator: ", ")))")
    }
    return values[index]
  }

  /// The value as stored.
  package func value(_ index: Int) throws(SQLError) -> SQLValue {
    guard values.indices.contains(index) else {
      throw SQLError(.unexpectedValue, "no column \(index) in a result of \(values.count)")
    }
    return values[index]
  }

  /// The value as a `Value`: `try row.read("id", as: UserID.self)`.
  @inlinable
  package func read<Value: SQLReadable>(
    _ column: String, as type: Value.Type = Value.self
  ) throws(SQLError) -> Value {
    let stored = try value(column)
    guard let value = Value(sqlValue: stored) else { throw mismatch(stored, column, Value.self) }
    return value
  }

  /// The value as a `Value`.
  @inlinable
  package func read<Value: SQLReadable>(
    _ index: Int, as type: Value.Type = Value.self
  ) throws(SQLError) -> Value {
    let stored = try value(index)
    guard let value = Value(sqlValue: stored) else {
      throw mismatch(stored, columns[index], Value.self)
    }
    return value
  }

  /// The value as a `Value`, nil for NULL.
  @inlinable
  package func readOptional<Value: SQLReadable>(
    _ column: String, as type: Value.Type = Value.self
  ) throws(SQLError) -> Value? {
    let stored = try value(column)
    if case .null = stored { return nil }
    guard let value = Value(sqlValue: stored) else { throw mismatch(stored, column, Value.self) }
    return value
  }

  /// The value as a `Value`, nil for NULL.
  @inlinable
  package func readOptional<Value: SQLReadable>(
    _ index: Int, as type: Value.Type = Value.self
  ) throws(SQLError) -> Value? {
    let stored = try value(index)
    if case .null = stored { return nil }
    guard let value = Value(sqlValue: stored) else {
      throw mismatch(stored, columns[index], Value.self)
    }
    return value
  }

  @usableFromInline
  func mismatch(_ stored: SQLValue, _ column: String, _ type: Any.Type) -> SQLError {
    SQLError(.unexpectedValue, "column \(column) holds \(stored.typeName) that is no \(type)")
  }
}
