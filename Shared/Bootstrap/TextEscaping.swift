/// A text in double quotes on one line: quotes, backslashes and whatever does not print are escaped,
/// and what is longer than `limit` bytes is cut.
package func quoted(_ text: some StringProtocol, limit: Int = 200) -> String {
  var bytes: [UInt8] = []
  appendQuoted(String(text), to: &bytes, limit: limit)
  return String(decoding: bytes, as: UTF8.self)
}

/// Appends a text in double quotes; cut with `…` before it takes more than about `limit` bytes.
func appendQuoted(_ text: String, to bytes: inout [UInt8], limit: Int) {
  let end = bytes.count + limit
  bytes.append(UInt8(ascii: "\""))
  for scalar in text.unicodeScalars {
    if bytes.count >= end {
      bytes.append(contentsOf: "…".utf8)
      break
    }
    appendEscaped(scalar, to: &bytes)
  }
  bytes.append(UInt8(ascii: "\""))
}

/// Whether a scalar would move the cursor, hide or reorder text on a terminal or in a viewer:
/// controls, line and paragraph separators, direction marks and overrides, other format characters.
func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
    true
  default: false
  }
}

private func appendEscaped(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
  switch scalar {
  case "\"": bytes.append(contentsOf: "\\\"".utf8)
  case "\\": bytes.append(contentsOf: "\\\\".utf8)
  case "\n": bytes.append(contentsOf: "\\n".utf8)
  case "\r": bytes.append(contentsOf: "\\r".utf8)
  case "\t": bytes.append(contentsOf: "\\t".utf8)
  default:
    if scalar.isASCII ? (scalar.value < 0x20 || scalar.value == 0x7F) : isUnprintable(scalar) {
      bytes.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
    } else {
      bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
}
