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

/// Whether lent bytes begin with a constant of lower-case ASCII, in whatever case they are.
private func hasPrefixInAnyCase(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
  if unsafe hasPrefix(bytes, text) { return true }
  guard bytes.count >= text.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
  for index in 0..<text.utf8CodeUnitCount {
    let byte = unsafe start[index]
    let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    guard unsafe lower == text.utf8Start[index] else { return false }
  }
  return true
}

/// `trailers`, in any case (RFC 9110, 10.1.4).
func isTrailers(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
  unsafe value.count == 8 && hasPrefixInAnyCase(value, "trailers")
}

/// `application/grpc`, alone or before `+` or `;`, in any case (RFC 9110, 8.3.1).
func isGRPCContentType(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
  guard unsafe hasPrefixInAnyCase(value, "application/grpc") else { return false }
  guard value.count > 16 else { return true }
  return unsafe value[16] == UInt8(ascii: "+") || value[16] == UInt8(ascii: ";")
}
