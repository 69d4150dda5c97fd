/// Why a message cannot be read or written.
///
/// Two errors are equal when their codes are.
package struct MessageError: Error, Sendable, CustomStringConvertible {
  /// What is wrong with the message.
  package enum Code: Sendable, Hashable {
    /// Not the wire format: a truncated value, an over-long varint, a wrong wire type, a group.
    case malformed
    /// A text is not valid UTF-8.
    case invalidUTF8
    /// A text has a NUL in it, which C strings cannot carry.
    case nulInString
    /// Messages are nested deeper than the limit.
    case tooDeep
    /// More elements than the limit.
    case tooManyElements
    /// More bytes than the limit, on the wire or in memory.
    case tooLarge
  }

  /// What is wrong.
  package var code: Code

  /// What is wrong, where, and what was expected, in English.
  package var message: String

  /// The full proto name of the wrong field, such as `kontor.common.v1.BillingParty.town`; nil where
  /// no single field is wrong.
  package var field: String?

  /// An error of `code`.
  package init(_ code: Code, _ message: String, field: String? = nil) {
    self.code = code
    self.message = message
    self.field = field
  }

  package var description: String { "\(code): \(message)" }
}

extension MessageError: Hashable {
  package static func == (left: MessageError, right: MessageError) -> Bool {
    left.code == right.code
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(code)
  }
}
