/// The proto files that a server tells of, found by name, symbol and extension.
package struct DescriptorPool: Sendable {
  private let files: [DescribedFile]
  /// Positions in `files`.
  private let byName: [String: Int]
  private let bySymbol: [String: Int]
  private let byExtension: [DescribedFile.Extension: Int]
  private let messages: Set<String>

  /// Takes the files that concern a server: those that declare one of its services or none at all,
  /// and what they import. Services that are not the server's are taken out of them, so that they
  /// look as if they did not exist.
  ///
  /// - Parameters:
  ///   - fileDescriptorSet: a serialized `google.protobuf.FileDescriptorSet`.
  ///   - services: the full names of the server's services.
  /// - Throws: ``MalformedDescriptor``, also for an import that the set does not have.
  package init(
    fileDescriptorSet: [UInt8], services: Set<String>
  ) throws(MalformedDescriptor) {
    var all: [String: DescribedFile] = [:]
    for field in try WireReader.fields(of: fileDescriptorSet[...]) {
      guard field.number == 1, let bytes = field.bytes else { continue }
      let file = try DescribedFile(bytes) { services.contains($0) }
      all[file.name] = file
    }
    let roots = all.values.filter { $0.hasServices || !$0.hadServices }.map(\.name)
    var wanted = roots.sorted()
    var taken: Set<String> = []
    var files: [DescribedFile] = []
    while let name = wanted.popLast() {
      guard taken.insert(name).inserted else { continue }
      guard let file = all[name] else {
        throw MalformedDescriptor("no \(name), which another file imports")
      }
      files.append(file)
      wanted += file.imports
    }
    self.init(files)
  }

  private init(_ files: [DescribedFile]) {
    var byName: [String: Int] = [:]
    var bySymbol: [String: Int] = [:]
    var byExtension: [DescribedFile.Extension: Int] = [:]
    for (position, file) in files.enumerated() {
      byName[file.name] = position
      for symbol in file.symbols { bySymbol[symbol] = position }
      for item in file.extensions { byExtension[item] = position }
    }
    self.files = files
    self.byName = byName
    self.bySymbol = bySymbol
    self.byExtension = byExtension
    messages = Set(files.flatMap(\.messages))
  }

  /// The file of a name and all that it imports, serialized, itself first; nil when there is none.
  func file(named name: String) -> [[UInt8]]? { byName[name].map(closure) }

  /// The file that declares a symbol, by its full name, and all that it imports.
  func file(declaring symbol: String) -> [[UInt8]]? { bySymbol[symbol].map(closure) }

  /// The file that declares an extension, and all that it imports.
  func file(extending message: String, number: Int32) -> [[UInt8]]? {
    byExtension[DescribedFile.Extension(message: message, number: number)].map(closure)
  }

  /// The numbers of a message's extensions, ascending; nil when there is no such message.
  func extensionNumbers(of message: String) -> [Int32]? {
    guard messages.contains(message) else { return nil }
    return byExtension.keys.filter { $0.message == message }.map(\.number).sorted()
  }

  private func closure(_ position: Int) -> [[UInt8]] {
    var taken: Set<Int> = [position]
    var order = [position]
    var next = 0
    while next < order.count {
      for name in files[order[next]].imports {
        if let position = byName[name], taken.insert(position).inserted { order.append(position) }
      }
      next += 1
    }
    return order.map { files[$0].encoded }
  }
}
