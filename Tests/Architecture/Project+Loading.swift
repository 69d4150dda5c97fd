import Foundation

extension Project {
  /// The project that this test belongs to.
  static func load() throws -> Project {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    // A scratch folder of its own: the package's is locked while the tests run.
    let scratch = FileManager.default.temporaryDirectory.appending(path: "kontor-\(UUID())")
    defer { try? FileManager.default.removeItem(at: scratch) }
    let manifest = try run(
      ["swift", "package", "--scratch-path", scratch.path(), "dump-package"], in: root)
    var project = try Project(manifest: manifest)
    let files = try swiftFiles(in: root)
    for index in project.targets.indices where project.targets[index].kind != .system {
      let folder = project.targets[index].path + "/"
      project.targets[index].sources = files.filter { $0.path.hasPrefix(folder) }
    }
    project.sources = files.filter { !$0.path.contains("/Generated/") }
    project.topLevelNames = try topLevelNames(of: root)
    return project
  }

  /// Reads what `swift package dump-package` prints.
  init(manifest: Data) throws {
    let dump = try JSONDecoder().decode(Dump.self, from: manifest)
    targets = try dump.targets.map { target in
      guard let kind = Target.Kind(rawValue: target.type), let path = target.path else {
        throw UnreadableManifest(message: "target \(target.name): kind \(target.type), no path?")
      }
      return Target(
        name: target.name, kind: kind, path: path,
        dependencies: try target.dependencies.map { dependency in
          guard let name = (dependency.byName ?? dependency.product ?? dependency.target)?.first,
            case .name(let name) = name
          else {
            throw UnreadableManifest(message: "a dependency of \(target.name) has no name")
          }
          return name
        })
    }
  }

  struct UnreadableManifest: Error {
    let message: String
  }

  private struct Dump: Decodable {
    struct Target: Decodable {
      let name: String
      let type: String
      let path: String?
      let dependencies: [Dependency]
    }

    struct Dependency: Decodable {
      let byName: [Part]?
      let product: [Part]?
      let target: [Part]?
    }

    /// A dependency is a list: its name, then a package, conditions or null.
    enum Part: Decodable {
      case name(String)
      case other

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = (try? container.decode(String.self)).map(Part.name) ?? .other
      }
    }

    let targets: [Target]
  }

  private static func run(_ command: [String], in folder: URL) throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw UnreadableManifest(message: "\(command) failed")
    }
    return data
  }

  private static func swiftFiles(in root: URL) throws -> [SwiftSource] {
    let skipped: Set<String> = [".build", ".git", ".tools", ".kontor"]
    guard
      let files = FileManager.default.enumerator(
        at: root, includingPropertiesForKeys: [.isDirectoryKey])
    else { return [] }
    var sources: [SwiftSource] = []
    for case let file as URL in files {
      if skipped.contains(file.lastPathComponent) {
        files.skipDescendants()
      } else if file.pathExtension == "swift" {
        let path = String(file.path().dropFirst(root.path().count))
        sources.append(
          SwiftSource(path: path, text: try String(contentsOf: file, encoding: .utf8)))
      }
    }
    return sources.sorted { $0.path < $1.path }
  }

  /// What is tracked; without git, whatever lies there.
  private static func topLevelNames(of root: URL) throws -> [String] {
    guard FileManager.default.fileExists(atPath: root.appending(path: ".git").path()) else {
      return try FileManager.default.contentsOfDirectory(atPath: root.path()).sorted()
    }
    let paths = String(decoding: try run(["git", "ls-files"], in: root), as: UTF8.self)
    return Set(paths.split(separator: "\n").compactMap { $0.split(separator: "/").first })
      .map(String.init).sorted()
  }
}
