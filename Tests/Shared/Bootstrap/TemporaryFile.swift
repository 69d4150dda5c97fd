import Glibc

/// A file with given text that lives as long as this object.
final class TemporaryFile: Sendable {
  let path: String

  init(_ text: String) throws {
    var template = Array("/tmp/kontor-test-XXXXXX".utf8CString)
    let descriptor = template.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let address = buffer.baseAddress else { return -1 }
      return mkstemp(address)
    }
    struct NoTemporaryFile: Error {}
    guard descriptor >= 0 else { throw NoTemporaryFile() }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else { throw NoTemporaryFile() }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    unlink(path)
  }
}
