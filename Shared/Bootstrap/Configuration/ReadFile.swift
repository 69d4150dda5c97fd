internal import Glibc

/// The bytes of a file of at most `limit` bytes; `what` is what errors call it.
func readFile(_ path: String, limit: Int, describedAs what: String) throws(ConfigurationError)
  -> [UInt8]
{
  func refusal(_ reason: String) -> ConfigurationError {
    ConfigurationError(.unreadableFile, "\(what) \(quoted(path)) \(reason)")
  }
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw refusal("cannot be read: \(describe(errno))") }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  while bytes.count <= limit {
    let (chunk, failure) = readChunk(descriptor)
    if let failure {
      if failure == EINTR { continue }
      throw refusal("cannot be read: \(describe(failure))")
    }
    if chunk.isEmpty { return bytes }
    bytes.append(contentsOf: chunk)
  }
  throw refusal("is larger than \(limit) bytes")
}

/// Up to 64 KiB from a descriptor, empty at the end; or the error's number.
private func readChunk(_ descriptor: Int32) -> (bytes: [UInt8], failure: Int32?) {
  var failure: Int32?
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
    let size = unsafe read(descriptor, buffer.baseAddress, buffer.count)
    if size < 0 { failure = errno }
    count = max(0, size)
  }
  return (bytes, failure)
}

/// An error number in words: `No such file or directory`.
package func describe(_ number: Int32) -> String {
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
    guard let address = buffer.baseAddress,
      unsafe strerror_r(number, address, buffer.count) == 0
    else { return "error \(number)" }
    return unsafe String(cString: address)
  }
}
