/// A value of a JSON text (RFC 8259).
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent.
  case integer(Int64)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([JSONValue])
  /// Names are different from each other; their order is not kept.
  case object([String: JSONValue])

  /// Levels of arrays and objects within each other, at most.
  package static let maximumDepth = 64
}

extension JSONValue: CustomStringConvertible {
  /// For messages: a text in quotes, numbers as such, of arrays and objects only what they are.
  package var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "\"\(value)\""
    case .array(let values): values.isEmpty ? "[]" : "an array"
    case .object(let members): members.isEmpty ? "{}" : "an object"
    }
  }
}

/// A text that is no JSON.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One line: where it is, and what is wrong.
  package let description: String
}
