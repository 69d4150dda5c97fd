internal import Cryptography

/// The encoding of text in headers (RFC 5322, RFC 2047). What it returns never holds a line break
/// that is not a fold, so no text can add a header.
enum MailHeader {
  /// The text with every control character and line separator a space, trimmed.
  static func oneLine(_ text: String) -> String {
    var scalars: [Unicode.Scalar] = []
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: scalars.append(" ")
      default: scalars.append(scalar)
      }
    }
    let start = scalars.firstIndex { $0 != " " } ?? 0
    let end = scalars.lastIndex { $0 != " " } ?? -1
    var line = String.UnicodeScalarView()
    line.append(contentsOf: scalars[start..<max(start, end + 1)])
    return String(line)
  }

  /// Text for an unstructured field, such as the subject: as it is where that fits a line, else in
  /// encoded words.
  static func unstructured(_ text: String) -> String {
    let line = oneLine(text)
    let isPlain = line.utf8.count <= 60 && line.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    return isPlain && !containsEncodedWord(line) ? line : encodedWords(line)
  }

  /// A name before an address: words as they are, else encoded words.
  static func phrase(_ text: String) -> String {
    let line = oneLine(text)
    let isPlain =
      line.utf8.count <= 60
      && line.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x20, 0x2D, 0x27: true
        default: false
        }
      }
    return isPlain ? line : encodedWords(line)
  }

  private static func containsEncodedWord(_ line: String) -> Bool {
    let bytes = Array(line.utf8)
    return zip(bytes, bytes.dropFirst()).contains { $0 == 0x3D && $1 == 0x3F }
  }

  /// Words of 39 bytes at most, whole characters each, a line each: every line has 76 characters
  /// at most (RFC 2047, section 2), the field's name included.
  private static func encodedWords(_ line: String) -> String {
    var words: [String] = []
    var word: [UInt8] = []
    for scalar in line.unicodeScalars {
      let bytes = Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      if word.count + bytes.count > 39 {
        words.append(encodedWord(word))
        word = []
      }
      word += bytes
    }
    words.append(encodedWord(word))
    return words.joined(separator: "\r\n ")
  }

  private static func encodedWord(_ bytes: [UInt8]) -> String {
    "=?UTF-8?B?\(Base64.encode(bytes))?="
  }
}
