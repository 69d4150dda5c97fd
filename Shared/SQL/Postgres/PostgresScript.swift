/// Statements as text: where they end, and which of them would leave the driver's transaction.
///
/// PostgreSQL itself refuses more than one statement in what it is sent, so a text that is misread
/// here fails there.
enum PostgresScript {
  /// The statements that a script's semicolons separate, without empty ones. Bodies of functions are
  /// written in `$$`, not as BEGIN ATOMIC.
  static func statements(_ text: String) -> [String] {
    var scanner = Scanner(text)
    var statements: [String] = []
    var start = 0
    while true {
      let position = scanner.position
      guard let byte = scanner.next() else { break }
      if byte == UInt8(ascii: ";") {
        statements.append(scanner.text(start..<position))
        start = scanner.position
      }
    }
    statements.append(scanner.text(start..<scanner.position))
    return statements.filter { !words(of: $0, limit: 1).isEmpty }
  }

  /// Whether the statement would end the transaction, or outlast it as a setting of the connection.
  static func isControl(_ statement: String) -> Bool {
    let words = words(of: statement, limit: 2)
    switch words.first {
    case "ABORT", "BEGIN", "COMMIT", "END", "PREPARE", "RELEASE", "ROLLBACK", "SAVEPOINT", "START",
      "COPY", "DEALLOCATE", "DISCARD", "LISTEN", "LOAD", "RESET", "UNLISTEN":
      return true
    case "SET": return words.last != "CONSTRAINTS"
    default: return false
    }
  }

  /// The first words in capitals, comments left out.
  private static func words(of statement: String, limit: Int) -> [String] {
    var scanner = Scanner(statement)
    var words: [String] = []
    var word = ""
    while words.count < limit {
      let byte = scanner.next()
      if let byte, byte > 0x20 {
        word.unicodeScalars.append(Unicode.Scalar(byte))
      } else if !word.isEmpty {
        words.append(word.uppercased())
        word = ""
      }
      if byte == nil { break }
    }
    return words
  }
}

/// Reads SQL byte by byte; what is quoted counts as one byte, its first, and a comment as a space.
private struct Scanner {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  mutating func next() -> UInt8? {
    guard position < bytes.count else { return nil }
    let first = bytes[position]
    switch first {
    case UInt8(ascii: "'"): skipQuoted(escapes: isEscapeString)
    case UInt8(ascii: "\""): skipQuoted(escapes: false)
    case UInt8(ascii: "$"): skipDollarQuoted()
    case UInt8(ascii: "-") where starts("--", at: position):
      while position < bytes.count, bytes[position] != 0x0A { position += 1 }
      return 0x20
    case UInt8(ascii: "/") where starts("/*", at: position):
      skipComment()
      return 0x20
    default: position += 1
    }
    return first
  }

  private func starts(_ prefix: StaticString, at index: Int) -> Bool {
    let prefix = prefix.description.utf8
    return bytes[index...].starts(with: prefix)
  }

  private func isNamePart(_ index: Int) -> Bool {
    guard bytes.indices.contains(index) else { return false }
    let byte = bytes[index]
    return byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
      || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
  }

  /// Whether the quote at the position follows an E of its own: then a backslash escapes.
  private var isEscapeString: Bool {
    position > 0 && bytes[position - 1] & 0xDF == UInt8(ascii: "E") && !isNamePart(position - 2)
  }

  /// A doubled quote reads as two quoted parts, which comes to the same.
  private mutating func skipQuoted(escapes: Bool) {
    let quote = bytes[position]
    position += 1
    while position < bytes.count, bytes[position] != quote {
      position += escapes && bytes[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    position = min(position + 1, bytes.count)
  }

  private mutating func skipDollarQuoted() {
    let start = position
    position += 1
    if isNamePart(start - 1) { return }
    var end = position
    while isNamePart(end), bytes[end] != UInt8(ascii: "$") { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else { return }
    if end > position, (0x30...0x39).contains(bytes[position]) { return }
    let tag = bytes[start...end]
    position = end + 1
    while position < bytes.count, !bytes[position...].starts(with: tag) { position += 1 }
    position = min(position + tag.count, bytes.count)
  }

  private mutating func skipComment() {
    var depth = 0
    repeat {
      if starts("/*", at: position) {
        depth += 1
        position += 2
      } else if starts("*/", at: position) {
        depth -= 1
        position += 2
      } else {
        position += 1
      }
    } while depth > 0 && position < bytes.count
  }
}
