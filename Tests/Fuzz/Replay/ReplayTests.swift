import Foundation
import Testing

@testable import Messages

/// Every seed and every kept input of the fuzz targets, in an ordinary build.
@Suite struct ReplayTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Corpus")

  @Test("Seeds and corpus hold", arguments: FuzzTarget.all.map(\.name))
  func replay(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    for (index, seed) in try target.seeds().enumerated() { run(target, seed, "seed \(index)") }
    for file in try Self.files(of: name) {
      run(target, Array(try Data(contentsOf: file)), file.lastPathComponent)
    }
  }

  @Test("Every folder of the corpus has its target")
  func folders() throws {
    let known = Set(FuzzTarget.all.map(\.name))
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
    #expect(folders.filter { !known.contains($0) } == [])
  }

  @Test("Every generated message is in the list")
  func messages() throws {
    let root = Self.folder.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    var expected: Set<String> = []
    for folder in ["Proto/Generated/Swift", "Tests/Shared/MessagesProto/Generated/Swift"] {
      let files = FileManager.default.enumerator(atPath: root.appending(path: folder).path())
      while let file = files?.nextObject() as? String {
        guard file.hasSuffix(".swift") else { continue }
        let text = try String(
          contentsOf: root.appending(path: folder).appending(path: file), encoding: .utf8)
        for part in text.split(separator: "static var fullName: String { \"").dropFirst() {
          expected.insert(String(part.prefix { $0 != "\"" }))
        }
      }
    }
    #expect(expected.count > 150)
    #expect(expected == Set(MessageTypes.all.map { $0.fullName }))
  }

  @Test("A sample has every field, and every kind of it")
  func samples() throws {
    let index = try #require(MessageTypes.all.firstIndex { $0.fullName.hasSuffix(".FieldKinds") })
    #expect(MessageTypes.all[index].sample().count > 100)
    for type in MessageTypes.all where type.fullName.hasSuffix("BillingParty") {
      #expect(type.sample().count == 9 * 3)
    }
  }

  /// Runs in a piece of memory of exactly the input's size, as the fuzzer does.
  private func run(_ target: FuzzTarget, _ bytes: [UInt8], _ name: String) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    do {
      try target.run(UnsafeRawBufferPointer(memory))
    } catch {
      Issue.record("\(target.name), \(name): \(error)")
    }
  }

  private static func files(of name: String) throws -> [URL] {
    let folder = Self.folder.appending(path: name)
    guard FileManager.default.fileExists(atPath: folder.path()) else { return [] }
    return try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).sorted { $0.path() < $1.path() }
  }
}
