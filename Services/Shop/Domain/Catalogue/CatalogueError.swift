/// Why a catalogue file is refused: everything that is wrong with it.
package struct CatalogueError: Error, Sendable, Hashable, CustomStringConvertible {
  /// In the order of the lines, at most ``CatalogueReader/problemLimit``.
  package let problems: [CatalogueProblem]

  package init(_ problems: [CatalogueProblem]) {
    self.problems = problems
  }

  /// One line: the problems, semicolons between them.
  package var description: String {
    problems.map(\.description).joined(separator: "; ")
  }
}

/// One thing that is wrong in a catalogue file.
package struct CatalogueProblem: Sendable, Hashable, CustomStringConvertible {
  /// The line, counted from 1.
  package let line: Int
  /// The section and key, such as `[plan web-hosting-start] price.CHF`.
  package let field: String
  /// What is wrong and what was expected.
  package let explanation: String

  package init(line: Int, field: String, _ explanation: String) {
    self.line = line
    self.field = field
    self.explanation = explanation
  }

  package var description: String { "line \(line): \(field) \(explanation)" }
}
