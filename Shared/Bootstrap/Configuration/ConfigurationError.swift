/// Why a configuration was refused; its description is one line that names the place, the key, the
/// value and what was expected.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of a refusal.
  package enum Code: Sendable, Hashable {
    /// A key, environment variable or flag that the service does not know.
    case unknownKey
    /// A value of the wrong form or out of range.
    case invalidValue
    /// A key that must be set, or a flag without its value.
    case missingValue
    /// A line of the file that is neither a section, an assignment nor a comment.
    case syntax
    /// A file that cannot be read.
    case unreadableFile
    /// A value that is well formed but not allowed here (a development key outside development).
    case refused
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}
