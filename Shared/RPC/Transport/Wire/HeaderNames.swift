internal import Glibc
internal import HTTP2

/// Rules for metadata names and values (gRPC over HTTP/2, "Custom-Metadata").
enum HeaderNames {
  /// True for `[0-9a-z_.-]+`.
  static func isValid(_ name: some Collection<UInt8>) -> Bool {
    !name.isEmpty
      && name.allSatisfy {
        ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D || $0 == 0x2E
          || $0 == 0x5F
      }
  }

  /// True for printable ASCII.
  static func isValidText(_ value: some Collection<UInt8>) -> Bool {
    value.allSatisfy { $0 >= 0x20 && $0 <= 0x7E }
  }

  /// True for names that belong to the protocol, not to applications.
  static func isReserved(_ name: String) -> Bool {
    // What a handler says about retries is for it to say (gRFC A6).
    if name == "grpc-retry-pushback-ms" { return false }
    if name.hasPrefix("grpc-") || name.hasPrefix(":") { return true }
    switch name {
    case "te", "connection", "content-type", "host", "content-length", "transfer-encoding",
      "keep-alive", "upgrade", "proxy-connection":
      return true
    default: return false
    }
  }
}

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
