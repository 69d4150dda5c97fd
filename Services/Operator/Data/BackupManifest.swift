internal import Operator

/// What a backup consists of.
///
/// ```
/// kontor-backup 1
/// version 0.1.0
/// time 1795372800000000
/// file <SHA-256> <bytes> accounting/accounting.db
/// ```
struct BackupManifest {
  static let fileName = "manifest"
  private static let header = "kontor-backup 1"

  struct File: Hashable {
    let checksum: String
    let byteCount: Int64
    /// In the backup's folder.
    let path: String
  }

  let version: String
  let atMicroseconds: Int64
  private(set) var files: [File] = []

  init(version: String, atMicroseconds: Int64) {
    self.version = version
    self.atMicroseconds = atMicroseconds
  }

  /// Adds all files of the backup's folders.
  mutating func addFiles(of folder: String) throws {
    for part in StackFiles.names(in: folder) where StackFiles.isFolder("\(folder)/\(part)") {
      for name in StackFiles.names(in: "\(folder)/\(part)") {
        let path = "\(folder)/\(part)/\(name)"
        files.append(
          File(
            checksum: try StackFiles.checksum(path), byteCount: StackFiles.size(path),
            path: "\(part)/\(name)"))
      }
    }
  }

  var lines: [String] {
    [Self.header, "version \(version)", "time \(atMicroseconds)"]
      + files.map { "file \($0.checksum) \($0.byteCount) \($0.path)" }
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  /// Reads a backup's manifest and compares its files with it.
  init(verifying folder: String) throws {
    let path = "\(folder)/\(Self.fileName)"
    guard let text = PrivateFile.read(path) else {
      throw OperatorError("\(folder) holds no backup: there is no \(Self.fileName)")
    }
    var lines = text.split(separator: "\n")[...]
    guard lines.popFirst() == Self.header[...] else {
      throw OperatorError("\(path) does not begin with \(Self.header)")
    }
    var version = ""
    var time: Int64 = 0
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 3).map(String.init)
      switch (words.first, words.count) {
      case ("version", 2): version = words[1]
      case ("time", 2): time = Int64(words[1]) ?? 0
      case ("file", 4):
        guard let count = Int64(words[2]), !words[3].contains(".."), !words[3].hasPrefix("/") else {
          throw OperatorError("\(path) has the line \(line)")
        }
        files.append(File(checksum: words[1], byteCount: count, path: words[3]))
      default: throw OperatorError("\(path) has the line \(line)")
      }
    }
    self.version = version
    atMicroseconds = time
    for file in files {
      guard StackFiles.size("\(folder)/\(file.path)") == file.byteCount,
        try StackFiles.checksum("\(folder)/\(file.path)") == file.checksum
      else {
        throw OperatorError(
          "\(folder)/\(file.path) is not what was backed up: expected \(file.byteCount) bytes with"
            + " SHA-256 \(file.checksum)")
      }
    }
  }
}
