/// A catalogue file taken apart into sections of `key = value` lines; nothing is interpreted yet.
///
///     # a comment, on a line of its own
///     [plan web-hosting-start]
///     name = Start
struct CatalogueSections {
  /// A `[kind id]` line and the entries below it.
  struct Section {
    let kind: String
    /// Empty where the kind takes none.
    let id: String
    let line: Int
    var entries: [Entry] = []

    /// How problems name the section: `[plan web-hosting-start]`.
    var label: String { id.isEmpty ? "[\(kind)]" : "[\(kind) \(id)]" }
  }

  /// A `key = value` line.
  struct Entry {
    let key: String
    let value: String
    let line: Int
  }

  private(set) var sections: [Section] = []
  private(set) var problems: [CatalogueProblem] = []

  init(_ text: String) {
    // By bytes: a carriage return and a line feed are one Character.
    let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() {
      read(line: index + 1, Self.trimmed(Substring(bytes)))
    }
  }

  private mutating func read(line: Int, _ text: String) {
    guard let first = text.utf8.first, first != 0x23 else { return }
    if first == 0x5B {
      readHeader(line, text)
    } else if let equals = text.utf8.firstIndex(of: 0x3D) {
      readEntry(
        Entry(
          key: Self.trimmed(text[..<equals]),
          value: Self.trimmed(text[text.utf8.index(after: equals)...]), line: line))
    } else {
      problems.append(
        CatalogueProblem(
          line: line, field: "\"\(text.prefix(40))\"",
          "is neither a [section], nor key = value, nor a # comment"))
    }
  }

  private mutating func readHeader(_ line: Int, _ text: String) {
    guard text.utf8.last == 0x5D else {
      problems.append(
        CatalogueProblem(line: line, field: text, "is a section without its closing ]"))
      return
    }
    let words = text.utf8.dropFirst().dropLast()
      .split { $0 == 0x20 || $0 == 0x09 }.map { String(Substring($0)) }
    guard let kind = words.first, words.count <= 2 else {
      problems.append(
        CatalogueProblem(line: line, field: text, "must be [kind] or [kind id]"))
      return
    }
    sections.append(Section(kind: kind, id: words.count == 2 ? words[1] : "", line: line))
  }

  private mutating func readEntry(_ entry: Entry) {
    guard let last = sections.indices.last else {
      problems.append(
        CatalogueProblem(
          line: entry.line, field: entry.key, "stands before the first [section]"))
      return
    }
    if sections[last].entries.contains(where: { $0.key == entry.key }) {
      problems.append(
        CatalogueProblem(
          line: entry.line, field: "\(sections[last].label) \(entry.key)", "is given twice"))
      return
    }
    sections[last].entries.append(entry)
  }

  /// The text without the blanks and carriage returns at its ends.
  static func trimmed(_ text: Substring) -> String {
    var bytes = text.utf8
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return String(Substring(bytes))
  }
}
