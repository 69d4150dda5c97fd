/// The plain types by name.
extension Row {
  /// A column of a 64-bit number.
  package func int64(_ column: String) throws(SQLError) -> Int64 { try read(column) }
  /// A column of a number.
  package func int(_ column: String) throws(SQLError) -> Int { try read(column) }
  /// A column of a 32-bit number.
  package func int32(_ column: String) throws(SQLError) -> Int32 { try read(column) }
  /// A column of 0 or 1.
  package func bool(_ column: String) throws(SQLError) -> Bool { try read(column) }
  /// A column of text.
  package func text(_ column: String) throws(SQLError) -> String { try read(column) }
  /// A column of bytes.
  package func blob(_ column: String) throws(SQLError) -> [UInt8] { try read(column) }

  /// A column of a 64-bit number, nil for NULL.
  package func optionalInt64(_ column: String) throws(SQLError) -> Int64? {
    try readOptional(column)
  }
  /// A column of a number, nil for NULL.
  package func optionalInt(_ column: String) throws(SQLError) -> Int? { try readOptional(column) }
  /// A column of a 32-bit number, nil for NULL.
  package func optionalInt32(_ column: String) throws(SQLError) -> Int32? {
    try readOptional(column)
  }
  /// A column of 0 or 1, nil for NULL.
  package func optionalBool(_ column: String) throws(SQLError) -> Bool? {
    try readOptional(column)
  }
  /// A column of text, nil for NULL.
  package func optionalText(_ column: String) throws(SQLError) -> String? {
    try readOptional(column)
  }
  /// A column of bytes, nil for NULL.
  package func optionalBlob(_ column: String) throws(SQLError) -> [UInt8]? {
    try readOptional(column)
  }
}

/// The plain types by position, counted from 0.
extension Row {
  /// A column of a 64-bit number.
  package func int64(_ index: Int) throws(SQLError) -> Int64 { try read(index) }
  /// A column of a number.
  package func int(_ index: Int) throws(SQLError) -> Int { try read(index) }
  /// A column of a 32-bit number.
  package func int32(_ index: Int) throws(SQLError) -> Int32 { try read(index) }
  /// A column of 0 or 1.
  package func bool(_ index: Int) throws(SQLError) -> Bool { try read(index) }
  /// A column of text.
  package func text(_ index: Int) throws(SQLError) -> String { try read(index) }
  /// A column of bytes.
  package func blob(_ index: Int) throws(SQLError) -> [UInt8] { try read(index) }

  /// A column of a 64-bit number, nil for NULL.
  package func optionalInt64(_ index: Int) throws(SQLError) -> Int64? { try readOptional(index) }
  /// A column of a number, nil for NULL.
  package func optionalInt(_ index: Int) throws(SQLError) -> Int? { try readOptional(index) }
  /// A column of a 32-bit number, nil for NULL.
  package func optionalInt32(_ index: Int) throws(SQLError) -> Int32? { try readOptional(index) }
  /// A column of 0 or 1, nil for NULL.
  package func optionalBool(_ index: Int) throws(SQLError) -> Bool? { try readOptional(index) }
  /// A column of text, nil for NULL.
  package func optionalText(_ index: Int) throws(SQLError) -> String? { try readOptional(index) }
  /// A column of bytes, nil for NULL.
  package func optionalBlob(_ index: Int) throws(SQLError) -> [UInt8]? { try readOptional(index) }
}
