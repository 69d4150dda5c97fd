/// A Swift file, read just deeply enough for the rules: its imports, and its code without comments
/// and texts.
struct SwiftSource {
  /// The path from the project's folder: `Shared/Domain/Money.swift`.
  let path: String
  /// The number of lines.
  let lineCount: Int
  /// The lines with everything inside comments and string literals replaced by spaces. What a
  /// string interpolates counts as text: the rules look at statements.
  let codeLines: [Substring]
  /// The imports, in order.
  let imports: [Import]

  /// One import declaration.
  struct Import: Hashable {
    let module: String
    /// `internal` where nothing is written.
    let access: String
    let line: Int
  }

  init(path: String, text: String) {
    self.path = path
    lineCount =
      text.utf8.count { $0 == UInt8(ascii: "\n") } + (text.utf8.last == UInt8(ascii: "\n") ? 0 : 1)
    var scanner = Blanker(text: text)
    codeLines = scanner.blanked().split(separator: "\n", omittingEmptySubsequences: false)
    imports = Self.imports(in: codeLines)
  }

  private static func imports(in codeLines: [Substring]) -> [Import] {
    var imports: [Import] = []
    for (index, line) in codeLines.enumerated() {
      // Conditions and attributes may stand on the same line; only words matter here.
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ";" })
      guard let place = words.firstIndex(of: "import"),
        words[..<place].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains(String($0)) }),
        var name = words[(place + 1)...].first
      else { continue }
      if declarationKinds.contains(String(name)), place + 2 < words.count {
        name = words[place + 2]
      }
      let access = words[..<place].first { accessLevels.contains(String($0)) }
      imports.append(
        Import(
          module: String(name.prefix { $0 != "." }), access: access.map(String.init) ?? "internal",
          line: index + 1))
    }
    return imports
  }

  private static let accessLevels: Set<String> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let declarationKinds: Set<String> = [
    "typealias", "struct", "class", "enum", "protocol", "let", "var", "func",
  ]
}

/// Goes through a file once and blanks comments (nested ones too) and string literals.
private struct Blanker {
  private let bytes: [UInt8]
  private var result: [UInt8] = []
  private var position = 0

  init(text: String) {
    bytes = Array(text.utf8)
    result.reserveCapacity(bytes.count)
  }

  mutating func blanked() -> String {
    while position < bytes.count {
      let byte = bytes[position]
      // Only these begin a comment or a text; the rest of the file goes by quickly.
      if byte != UInt8(ascii: "/"), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "#") {
        result.append(byte)
        position += 1
      } else if starts("//") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank(1) }
      } else if starts("/*") {
        blankBlockComment()
      } else if let delimiter = stringDelimiter() {
        blankString(delimiter)
      } else {
        result.append(byte)
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private func starts(_ word: String) -> Bool {
    bytes[position...].starts(with: word.utf8)
  }

  private mutating func blank(_ count: Int) {
    for _ in 0..<count where position < bytes.count {
      result.append(bytes[position] == UInt8(ascii: "\n") ? bytes[position] : UInt8(ascii: " "))
      position += 1
    }
  }

  private mutating func blankBlockComment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        blank(2)
      } else if starts("*/") {
        depth -= 1
        blank(2)
      } else {
        blank(1)
      }
    } while depth > 0 && position < bytes.count
  }

  private struct Delimiter {
    let pounds: Int
    let isMultiline: Bool
  }

  private func stringDelimiter() -> Delimiter? {
    let pounds = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
    let rest = bytes[(position + pounds)...]
    guard rest.first == UInt8(ascii: "\"") else { return nil }
    return Delimiter(pounds: pounds, isMultiline: rest.starts(with: "\"\"\"".utf8))
  }

  private mutating func blankString(_ delimiter: Delimiter) {
    let pounds = String(repeating: "#", count: delimiter.pounds)
    let quotes = delimiter.isMultiline ? "\"\"\"" : "\""
    blank(delimiter.pounds + quotes.utf8.count)
    while position < bytes.count {
      if starts(quotes + pounds) {
        blank(quotes.utf8.count + delimiter.pounds)
        return
      }
      if !delimiter.isMultiline, bytes[position] == UInt8(ascii: "\n") { return }
      if starts("\\\(pounds)(") {
        blank(2 + delimiter.pounds)
        blankInterpolation()
      } else if starts("\\\(pounds)") {
        blank(2 + delimiter.pounds)
      } else {
        blank(1)
      }
    }
  }

  private mutating func blankInterpolation() {
    var depth = 1
    while depth > 0, position < bytes.count {
      if let delimiter = stringDelimiter() {
        blankString(delimiter)
        continue
      }
      if bytes[position] == UInt8(ascii: "(") { depth += 1 }
      if bytes[position] == UInt8(ascii: ")") { depth -= 1 }
      blank(1)
    }
  }
}
