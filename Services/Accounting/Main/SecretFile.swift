internal import Cryptography
internal import Glibc

/// A secret that the service makes for itself at its first start: a file of 64 hexadecimal digits,
/// readable by its owner only. The digits are the key, so that tools can use the file as it is.
enum SecretFile {
  /// The file cannot be used; the description is one clear line.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The secret in the file, which is made where it is missing.
  static func secret(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      if errno == EEXIST { return try existing(path) }
      throw Failure(description: "\(path) cannot be made: \(reason())")
    }
    defer { close(descriptor) }
    let text = Array(Hex.encode(SecureRandom().bytes(32)).utf8)
    guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
      throw Failure(description: "\(path) cannot be written: \(reason())")
    }
    return text
  }

  private static func existing(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw Failure(description: "\(path) cannot be read: \(reason())")
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 16 else {
      throw Failure(description: "\(path) holds no secret: remove it to have a new one made")
    }
    return Array(bytes.prefix(count))
  }

  private static func reason() -> String {
    String(cString: strerror(errno))
  }
}
