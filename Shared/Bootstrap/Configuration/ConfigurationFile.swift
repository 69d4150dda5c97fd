/// The `key = value` files that configure the services (and that the operator keeps its state in).
///
/// A line is empty, a `# comment`, a `[section]` that prefixes the keys after it, or `key = value`.
/// Keys are lower-case words joined by dots (`listen.port`). A value ends at the line's end or at a
/// `#` after a space; one in double quotes may hold anything, with `\"`, `\\`, `\n` and `\t`.
package struct ConfigurationFile: Sendable, Hashable {
  /// One assignment.
  package struct Entry: Sendable, Hashable {
    /// The full key, its section included.
    package let key: String
    package let value: String
    /// The line in the file, from 1.
    package let line: Int
  }

  /// The largest file that is read, in bytes.
  package static let maximumBytes = 1 << 20

  /// The assignments in the file's order; no key occurs twice.
  package private(set) var entries: [Entry] = []

  /// Parses a file's text; `name` is what errors call the file.
  package init(parsing text: String, name: String) throws(ConfigurationError) {
    var section = ""
    var lines: [String: Int] = [:]
    var number = 0
    for bytes in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let line = Substring(bytes)
      let place = "\(name):\(number)"
      let content = trimmed(line)
      if content.isEmpty || content.hasPrefix("#") { continue }
      if content.hasPrefix("[") {
        section = try Self.section(content, place: place)
        continue
      }
      guard let equals = content.firstIndex(of: "=") else {
        throw ConfigurationError(
          .syntax,
          "\(place): \(quoted(content)) is no `key = value`, `[section]` or `# comment`")
      }
      let local = String(trimmed(content[..<equals]))
      guard isKey(local) else {
        throw ConfigurationError(
          .syntax, "\(place): \(quoted(local)) is no key (lower-case words joined by dots)")
      }
      let key = section.isEmpty ? local : "\(section).\(local)"
      if let earlier = lines.updateValue(number, forKey: key) {
        throw ConfigurationError(.syntax, "\(place): \(key) was set in line \(earlier) already")
      }
      let value = try Self.value(trimmed(content[content.index(after: equals)...]), place: place)
      entries.append(Entry(key: key, value: value, line: number))
    }
  }

  /// Reads and parses the file at a path.
  package init(path: String) throws(ConfigurationError) {
    let bytes = try readFile(path, limit: Self.maximumBytes, describedAs: "configuration file")
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError(.syntax, "configuration file \(path) is not UTF-8 text")
    }
    try self.init(parsing: text, name: path)
  }

  /// The value of a key, or nil.
  package func value(_ key: String) -> String? {
    entries.first { $0.key == key }?.value
  }

  /// A file's text with the given assignments, one a line, that parses back to the same values.
  package static func text(
    comment: String, _ assignments: [(key: String, value: String)]
  ) -> String {
    var text = "# \(comment)\n"
    for (key, value) in assignments {
      text += "\(key) = \(written(value))\n"
    }
    return text
  }

  private static func section(_ content: Substring, place: String) throws(ConfigurationError)
    -> String
  {
    let parts = content.dropFirst().split(
      separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(trimmed(parts[0]))
    let rest = parts.count == 2 ? trimmed(parts[1]) : "no end"
    guard isKey(name), rest.isEmpty || rest.hasPrefix("#") else {
      throw ConfigurationError(.syntax, "\(place): \(quoted(content)) is no `[section]`")
    }
    return name
  }

  private static func value(_ text: Substring, place: String) throws(ConfigurationError) -> String {
    guard text.utf8.first == UInt8(ascii: "\"") else {
      if text.utf8.first == UInt8(ascii: "#") { return "" }
      var previous: Unicode.Scalar = "x"
      for index in text.unicodeScalars.indices {
        let scalar = text.unicodeScalars[index]
        if scalar == "#", previous == " " || previous == "\t" {
          return String(trimmed(text[..<index]))
        }
        previous = scalar
      }
      return String(text)
    }
    var value = String.UnicodeScalarView()
    var rest = text.unicodeScalars.dropFirst()
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\"":
        let after = trimmed(Substring(rest))
        guard after.isEmpty || after.hasPrefix("#") else {
          throw ConfigurationError(.syntax, "\(place): \(quoted(after)) after the closing quote")
        }
        return String(value)
      case "\\":
        switch rest.popFirst() {
        case "n": value.append("\n")
        case "t": value.append("\t")
        case "\"": value.append("\"")
        case "\\": value.append("\\")
        default:
          throw ConfigurationError(
            .syntax, "\(place): a backslash stands before n, t, a quote or a backslash only")
        }
      default: value.append(scalar)
      }
    }
    throw ConfigurationError(.syntax, "\(place): the closing quote is missing")
  }

  private static func written(_ value: String) -> String {
    let plain = value.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ":"),
        UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    if plain, !value.isEmpty { return value }
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}

/// Whether a text is a key: words of lower-case letters, digits and underscores joined by dots.
func isKey(_ text: String) -> Bool {
  guard !text.isEmpty else { return false }
  return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { word in
    !word.isEmpty
      && word.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
      }
  }
}

/// A text without the spaces, tabs and carriage returns at its ends.
func trimmed(_ text: some StringProtocol) -> Substring {
  func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
  var rest = Substring(text)
  while let first = rest.utf8.first, isBlank(first) { rest = Substring(rest.utf8.dropFirst()) }
  while let last = rest.utf8.last, isBlank(last) { rest = Substring(rest.utf8.dropLast()) }
  return rest
}
