internal import Glibc
internal import HTTP2

/// Compares lent bytes with a constant.
func matches(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
  guard bytes.count == text.utf8CodeUnitCount else { return false }
  guard let start = bytes.baseAddress else { return true }
  return unsafe memcmp(start, text.utf8Start, bytes.count) == 0
}

/// Whether lent bytes begin with a constant.
func hasPrefix(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
  guard bytes.count >= text.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
  return unsafe memcmp(start, text.utf8Start, text.utf8CodeUnitCount) == 0
}

/// `application/grpc`, alone or before `+` or `;`.
func isGRPCContentType(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
  guard unsafe hasPrefix(value, "application/grpc") else { return false }
  guard value.count > 16 else { return true }
  return unsafe value[16] == UInt8(ascii: "+") || value[16] == UInt8(ascii: ";")
}
