internal import Glibc

/// Writes bytes to standard error, in a single call unless the system takes less. What cannot be
/// written is dropped: there is nowhere left to say so.
package func writeToStandardError(_ bytes: [UInt8]) {
  writeAll(bytes, to: STDERR_FILENO)
}

/// Writes text to standard output.
package func writeToStandardOutput(_ text: String) {
  writeAll(Array(text.utf8), to: STDOUT_FILENO)
}

private func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
  unsafe bytes.withUnsafeBytes { buffer in
    var written = 0
    while written < buffer.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
      let count = unsafe write(descriptor, rest.baseAddress, rest.count)
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        return
      }
    }
  }
}

/// The system's time of day in microseconds since 1970 UTC.
package func systemMicroseconds() -> Int64 {
  var time = timespec()
  unsafe clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
