/// The package as the rules see it.
struct Project {
  /// One target of the manifest.
  struct Target {
    enum Kind: String {
      case system, regular, executable, test
    }

    let name: String
    let kind: Kind
    /// The folder, from the project's: `Shared/Domain`.
    let path: String
    /// Names of targets and products.
    let dependencies: [String]
    var sources: [SwiftSource] = []
  }

  var targets: [Target]
  /// Every Swift file of the project but the generated ones.
  var sources: [SwiftSource] = []
  /// What lies at the top of the project, as far as it is tracked.
  var topLevelNames: [String] = []

  func target(_ name: String) -> Target? {
    targets.first { $0.name == name }
  }

  /// The targets that a target links, itself included.
  func closure(of name: String) -> [Target] {
    var seen: Set<String> = []
    var waiting = [name]
    var found: [Target] = []
    while let next = waiting.popLast() {
      guard seen.insert(next).inserted, let target = target(next) else { continue }
      found.append(target)
      waiting += target.dependencies
    }
    return found
  }
}

/// One breach of a rule, with its place.
struct Violation: Hashable, CustomStringConvertible {
  let place: String
  let message: String

  var description: String { "\(place): \(message)" }
}
