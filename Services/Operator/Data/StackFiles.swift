internal import Cryptography
internal import FoundationEssentials
internal import Glibc
internal import Operator

/// What the data's tools do with files and folders.
enum StackFiles {
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// The names in a folder, sorted; empty where there is none.
  static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The number of a file's bytes.
  static func size(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// SHA-256 of a file, in hexadecimal digits.
  static func checksum(_ path: String) throws -> String {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, "read") }
    defer { close(descriptor) }
    return Hex.encode(try SHA256.hash { try part(of: descriptor, path) })
  }

  /// Copies a file for its owner alone and synchronizes the copy, which must not be there yet.
  static func copy(_ source: String, to target: String) throws {
    let input = Glibc.open(source, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw failure(source, "read") }
    defer { close(input) }
    let output = Glibc.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw failure(target, "made") }
    defer { close(output) }
    while let part = try part(of: input, source) { try write(part, to: output, target) }
    guard fsync(output) == 0 else { throw failure(target, "synchronized") }
  }

  /// Adds text at the end of a file, made for its owner alone where it is missing, durably.
  static func append(_ text: String, to path: String) throws {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(path, "written") }
    defer { close(descriptor) }
    try write(Array(text.utf8), to: descriptor, path)
    guard fsync(descriptor) == 0 else { throw failure(path, "synchronized") }
  }

  /// Makes a file's content durable.
  static func synchronize(file: String) throws {
    let descriptor = Glibc.open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(file, "opened") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure(file, "synchronized") }
  }

  /// Gives a folder its final name, durably.
  static func rename(_ source: String, to target: String) throws {
    guard Glibc.rename(source, target) == 0 else { throw failure(target, "made") }
    let parent = target.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let folder = parent.isEmpty ? "." : parent.joined(separator: "/")
    try synchronize(folder: folder.isEmpty ? "/" : folder)
  }

  /// Removes a file, or a folder with all that it holds, durably; nothing where there is none.
  static func remove(_ path: String) throws {
    guard exists(path) else { return }
    try FileManager.default.removeItem(atPath: path)
    let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let folder = parent.isEmpty ? "." : parent.joined(separator: "/")
    try synchronize(folder: folder.isEmpty ? "/" : folder)
  }

  /// Makes the names in a folder durable.
  static func synchronize(folder: String) throws {
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(folder, "opened") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure(folder, "synchronized") }
  }

  private static func part(of descriptor: Int32, _ path: String) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(descriptor, &bytes, bytes.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(path, "read") }
      return count == 0 ? nil : Array(bytes[..<count])
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(path, "written") }
      written += count
    }
  }

  private static func failure(_ path: String, _ done: String) -> OperatorError {
    OperatorError("\(path) cannot be \(done): \(String(cString: strerror(errno)))")
  }
}
