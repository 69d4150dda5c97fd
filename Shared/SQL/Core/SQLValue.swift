package import SharedDomain

/// A value that travels to or from a column. Both dialects store exactly these: whole numbers, text
/// (UTF-8) and bytes. There are no floating-point values: money is integer minor units, instants
/// are integer microseconds.
package enum SQLValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case text(String)
  case blob([UInt8])
  /// An id to be bound: stored, and read back, as its text.
  case id(UniqueID)

  /// The kind of the value in the words of the column types: `NULL`, `INTEGER`, `TEXT`, `BLOB`.
  package var typeName: String {
    switch self {
    case .null: "NULL"
    case .integer: "INTEGER"
    case .text, .id: "TEXT"
    case .blob: "BLOB"
    }
  }
}

/// A type whose values can be bound to a parameter of an SQL statement.
package protocol SQLConvertible {
  /// The value as it is stored.
  var sqlValue: SQLValue { get }
}

/// A type that can be read back from a column.
package protocol SQLReadable {
  /// The stored value, or nil when it is none of this type's values; `NULL` is never one.
  init?(sqlValue: SQLValue)
}

extension SQLValue: SQLConvertible {
  package var sqlValue: SQLValue { self }
}

extension Int64: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .integer(self) }

  package init?(sqlValue: SQLValue) {
    guard case .integer(let value) = sqlValue else { return nil }
    self = value
  }
}

extension Int: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .integer(Int64(self)) }

  package init?(sqlValue: SQLValue) {
    guard case .integer(let value) = sqlValue else { return nil }
    self.init(exactly: value)
  }
}

extension Int32: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .integer(Int64(self)) }

  package init?(sqlValue: SQLValue) {
    guard case .integer(let value) = sqlValue else { return nil }
    self.init(exactly: value)
  }
}

extension Bool: SQLConvertible, SQLReadable {
  /// Stored as 0 or 1 in both dialects.
  package var sqlValue: SQLValue { .integer(self ? 1 : 0) }

  package init?(sqlValue: SQLValue) {
    switch sqlValue {
    case .integer(0): self = false
    case .integer(1): self = true
    default: return nil
    }
  }
}

extension String: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(self) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let value) = sqlValue else { return nil }
    self = value
  }
}

extension Array: SQLConvertible where Element == UInt8 {
  package var sqlValue: SQLValue { .blob(self) }
}

extension Array: SQLReadable where Element == UInt8 {
  package init?(sqlValue: SQLValue) {
    guard case .blob(let value) = sqlValue else { return nil }
    self = value
  }
}

extension Optional: SQLConvertible where Wrapped: SQLConvertible {
  package var sqlValue: SQLValue { self?.sqlValue ?? .null }
}
