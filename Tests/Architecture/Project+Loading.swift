import Foundation
import Glibc

extension Project {
  /// The project that this test belongs to, read once.
  static let own = Result { try load() }

  private static func load() throws -> Project {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    // A scratch folder of its own: the package's is locked while the tests run.
    let scratch = FileManager.default.temporaryDirectory.appending(path: "kontor-\(UUID())")
    defer { try? FileManager.default.removeItem(at: scratch) }
    let manifest = try output(
      of: "swift package --package-path \(word(root.path())) "
        + "--scratch-path \(word(scratch.path())) dump-package")
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

  /// What a shell command prints. Not by Foundation's Process: starting several of them among
  /// thousands of parallel tests has crashed in it.
  private static func output(of command: String) throws -> Data {
    guard let stream = popen(command, "re") else {
      throw UnreadableManifest(message: "\(command): \(errno)")
    }
    var data = Data()
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&chunk, 1, chunk.count, stream)
      if count == 0 { break }
      data.append(contentsOf: chunk[..<count])
    }
    guard pclose(stream) == 0 else { throw UnreadableManifest(message: "\(command) failed") }
    return data
  }

  /// A text as one word of a shell command.
  private static func word(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
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
    let paths = String(
      decoding: try output(of: "git -C \(word(root.path())) ls-files"), as: UTF8.self)
    return Set(paths.split(separator: "\n").compactMap { $0.split(separator: "/").first })
      .map(String.init).sorted()
  }
}
