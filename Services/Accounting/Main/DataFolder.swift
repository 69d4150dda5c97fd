import Cryptography
import Glibc

/// The folder that holds what the service keeps.
struct DataFolder {
  let path: String

  /// The folder cannot be used; the description is one clear line.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Makes the folder, and those above it, where they are missing; only the owner may enter.
  init(path: String) throws {
    self.path = path
    var prefix = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      prefix += part
      if !prefix.isEmpty, mkdir(prefix, 0o700) != 0, errno != EEXIST {
        throw Failure(description: "data.folder: \(prefix) cannot be made: \(Self.reason())")
      }
      prefix += "/"
    }
  }

  /// The secret in a file of the folder, made at the first start: 64 hexadecimal digits, readable
  /// by the owner only.
  func secret(_ name: String) throws -> [UInt8] {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if descriptor >= 0 {
      defer { close(descriptor) }
      let text = Array(Hex.encode(SecureRandom().bytes(32)).utf8)
      guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
        throw Failure(description: "\(file) cannot be written: \(Self.reason())")
      }
      return text
    }
    guard errno == EEXIST else {
      throw Failure(description: "\(file) cannot be made: \(Self.reason())")
    }
    return try read(file)
  }

  private func read(_ file: String) throws -> [UInt8] {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw Failure(description: "\(file) cannot be read: \(Self.reason())")
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count >= 16 else {
      throw Failure(description: "\(file) holds no secret: remove it to have a new one made")
    }
    return Array(bytes.prefix(count))
  }

  private static func reason() -> String {
    String(cString: strerror(errno))
  }
}
