/// What holds for the folders and for every source file.
enum SourceRules {
  /// All that lies at the project's top besides dotfiles.
  static let topLevelNames: Set<String> = [
    "Package.swift", "Package.resolved", "README.md", "Services", "Shared", "Proto", "Tests",
    "Deploy",
  ]

  static func strayTopLevelNames(in project: Project) -> [Violation] {
    project.topLevelNames.filter { !$0.hasPrefix(".") && !topLevelNames.contains($0) }
      .map { Violation(place: $0, message: "does not belong at the top of the project") }
  }

  /// Above this a file is most likely more than one thing.
  static let maximumLines = 600

  /// Files that may be longer, each with the reason.
  static let longFiles: [String: String] = [:]

  static func longFiles(in project: Project) -> [Violation] {
    project.sources.filter { $0.lineCount > maximumLines && longFiles[$0.path] == nil }
      .map { Violation(place: $0.path, message: "\($0.lineCount) lines: is it still one thing?") }
  }

  /// Folders whose tasks have no parent: the runtime, which starts a handler per call, and the
  /// interceptors of a stream.
  static let runtimeFolders = [
    "Shared/RPC/Core/", "Shared/RPC/InProcess/", "Shared/RPC/Transport/",
  ]

  static func unstructuredTasks(in project: Project) -> [Violation] {
    project.sources.flatMap { source -> [Violation] in
      guard source.path.hasPrefix("Shared/") || source.path.hasPrefix("Services/"),
        !runtimeFolders.contains(where: source.path.hasPrefix)
      else { return [] }
      return lines(of: source, where: startsTask)
        .map { Violation(place: $0, message: "a task without a parent, outside the runtime") }
    }
  }

  /// `Task {`, `Task(priority: …) {`, `Task<…>`, `Task.detached`, `Task.immediate`, `Task.init`.
  private static func startsTask(_ line: Substring) -> Bool {
    occurrences(of: "Task", in: line).contains { rest in
      let rest = rest.drop { $0 == " " }
      return rest.hasPrefix("{") || rest.hasPrefix("(")
        || [".detached", ".immediate", ".init"].contains(where: rest.hasPrefix)
    }
  }

  static func traps(in project: Project) -> [Violation] {
    project.sources.flatMap { source in
      lines(of: source) { line in
        occurrences(of: "fatalError", in: line).contains { $0.hasPrefix("(") }
          || occurrences(of: "try", in: line).contains { $0.hasPrefix("!") }
      }
      .map { Violation(place: $0, message: "a trap: a programmer's error is a precondition") }
    }
  }

  /// Declarations of actors in the product. The jobs of an actor without an executor of its own run on
  /// the event loop of a handler that calls it, and what other tasks do after their call of it may go
  /// on there too: something that blocks would hold up every connection of the loop.
  static func actors(in project: Project) -> [Violation] {
    project.sources.filter { $0.path.hasPrefix("Shared/") || $0.path.hasPrefix("Services/") }
      .flatMap { source in
        lines(of: source) { line in
          occurrences(of: "actor", in: line).contains { rest in
            rest.hasPrefix(" ") && rest.dropFirst().first?.isUppercase == true
          }
        }
      }
      .map { Violation(place: $0, message: "an actor: its jobs run on handlers' event loops") }
  }

  private static func lines(
    of source: SwiftSource, where matches: (Substring) -> Bool
  ) -> [String] {
    source.codeLines.enumerated().filter { matches($1) }.map { "\(source.path):\($0.offset + 1)" }
  }

  /// What follows each place where a word stands as a whole.
  private static func occurrences(of word: String, in line: Substring) -> [Substring] {
    var found: [Substring] = []
    var rest = line
    var previous: Character = " "
    while let first = rest.first {
      if rest.hasPrefix(word), !isNamePart(previous), previous != "." {
        let after = rest.dropFirst(word.count)
        if after.first.map({ !isNamePart($0) }) ?? true { found.append(after) }
      }
      previous = first
      rest = rest.dropFirst()
    }
    return found
  }

  private static func isNamePart(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }
}
