/// The plain types by name.
extension Row {
  package func int64(_ column: String) throws(SQLError) -> Int64 { try read(column) }
  package func int(_ column: String) throws(SQLError) -> Int { try read(column) }
  package func int32(_ column: String) throws(SQLError) -> Int32 { try read(column) }
  package func bool(_ column: String) throws(SQLError) -> Bool { try read(column) }
  package func text(_ column: String) throws(SQLError) -> String { try read(column) }
  package func blob(_ column: String) throws(SQLError) -> [UInt8] { try read(column) }

  package func optionalInt64(_ column: String) throws(SQLError) -> Int64? {
    try readOptional(column)
  }
  package func optionalInt(_ column: String) throws(SQLError) -> Int? { try readOptional(column) }
  package func optionalInt32(_ column: String) throws(SQLError) -> Int32? {
    try readOptional(column)
  }
  package func optionalBool(_ column: String) throws(SQLError) -> Bool? {
    try readOptional(column)
  }
  package func optionalText(_ column: String) throws(SQLError) -> String? {
    try readOptional(column)
  }
  package func optionalBlob(_ column: String) throws(SQLError) -> [UInt8]? {
    try readOptional(column)
  }
}

/// The plain types by position, counted from 0.
extension Row {
  package func int64(_ index: Int) throws(SQLError) -> Int64 { try read(index) }
  package func int(_ index: Int) throws(SQLError) -> Int { try read(index) }
  package func int32(_ index: Int) throws(SQLError) -> Int32 { try read(index) }
  package func bool(_ index: Int) throws(SQLError) -> Bool { try read(index) }
  package func text(_ index: Int) throws(SQLError) -> String { try read(index) }
  package func blob(_ index: Int) throws(SQLError) -> [UInt8] { try read(index) }

  package func optionalInt64(_ index: Int) throws(SQLError) -> Int64? { try readOptional(index) }
  package func optionalInt(_ index: Int) throws(SQLError) -> Int? { try readOptional(index) }
  package func optionalInt32(_ index: Int) throws(SQLError) -> Int32? { try readOptional(index) }
  package func optionalBool(_ index: Int) throws(SQLError) -> Bool? { try readOptional(index) }
  package func optionalText(_ index: Int) throws(SQLError) -> String? { try readOptional(index) }
  package func optionalBlob(_ index: Int) throws(SQLError) -> [UInt8]? { try readOptional(index) }
}
