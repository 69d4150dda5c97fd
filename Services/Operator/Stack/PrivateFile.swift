internal import Glibc

/// Files that only their owner may read.
package enum PrivateFile {
  /// Writes a file whole: a reader sees the old content or the new, never a part.
  package static func write(_ text: String, to path: String) throws(OperatorError) {
    let temporary = "\(path).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw OperatorError("\(path) cannot be written: \(reason())") }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let why = reason()
        close(descriptor)
        throw OperatorError("\(path) cannot be written: \(why)")
      }
      written += count
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else {
      throw OperatorError("\(path) cannot be written: \(reason())")
    }
  }

  /// The file's text; nil where it cannot be read. For small files.
  package static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The last error of a system call, in words.
  static func reason() -> String { String(cString: strerror(errno)) }
}
