/// What joins the log lines of one call: the caller's text, or a number that becomes text when
/// somebody asks, as most calls are never logged.
package enum CorrelationID: Sendable, Hashable {
  /// As the caller gave it.
  case given(String)
  /// Made for a call that came without.
  case made(UInt64)

  /// The text; 16 hexadecimal digits of a number.
  package var text: String {
    switch self {
    case .given(let text): return text
    case .made(let number):
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
  }
}

extension CorrelationID: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) { self = .given(value) }
}
