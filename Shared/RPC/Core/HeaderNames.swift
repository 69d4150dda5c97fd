/// Rules for metadata names and values (gRPC over HTTP/2, "Custom-Metadata").
///
/// Inlinable, since transports check lent bytes of every call with them.
package enum HeaderNames {
  /// True for `[0-9a-z_.-]+`.
  @inlinable
  package static func isValid(_ name: some Collection<UInt8>) -> Bool {
    !name.isEmpty
      && name.allSatisfy {
        ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D || $0 == 0x2E
          || $0 == 0x5F
      }
  }

  /// True for printable ASCII.
  @inlinable
  package static func isValidText(_ value: some Collection<UInt8>) -> Bool {
    value.allSatisfy { $0 >= 0x20 && $0 <= 0x7E }
  }

  /// True for names that belong to the protocol, not to applications.
  package static func isReserved(_ name: String) -> Bool {
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

extension Metadata.Entry {
  /// Why the entry must not be sent; nil when it may.
  package var fault: RPCError? {
    guard HeaderNames.isValid(name.utf8), !HeaderNames.isReserved(name) else {
      return RPCError(.internalError, "metadata name \(name) cannot be sent")
    }
    switch value {
    case .text(let text):
      guard HeaderNames.isValidText(text.utf8), !name.hasSuffix("-bin") else {
        return RPCError(.internalError, "the value of metadata \(name) cannot be sent")
      }
    case .binary:
      guard name.hasSuffix("-bin") else {
        return RPCError(
          .internalError, "binary metadata \(name) needs a name that ends in -bin")
      }
    }
    return nil
  }

  /// What the entry counts in a header list, in bytes (RFC 9113, 6.5.2).
  package var listBytes: Int {
    switch value {
    case .text(let text): name.utf8.count + text.utf8.count + 32
    case .binary(let bytes): name.utf8.count + (bytes.count * 4 + 2) / 3 + 32
    }
  }
}

/// `[A-Za-z0-9._-]{1,64}`: what may stand in a log line as it came.
@inlinable
package func isCorrelationID(_ value: some Collection<UInt8>) -> Bool {
  guard !value.isEmpty, value.count <= 64 else { return false }
  return value.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
