/// Rules for metadata names and values (gRPC over HTTP/2, "Custom-Metadata").
///
/// Each rule has one form for lent bytes and one for text: transports in other modules check every
/// call with them, and a generic form would not be specialized there.
package enum HeaderNames {
  /// True for `[0-9a-z_.-]+`.
  package static func isValid(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe !name.isEmpty && consists(name, of: isNameByte)
  }

  /// True for `[0-9a-z_.-]+`.
  package static func isValid(_ name: String.UTF8View) -> Bool {
    !name.isEmpty && consists(name, of: isNameByte)
  }

  /// True for printable ASCII.
  package static func isValidText(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
    let bytes = UnsafeRawBufferPointer(value)
    var index = 0
    while index &+ 8 <= bytes.count {
      let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      // The lowest byte that is not printable shows in its high bit: itself, below 0x20 by the
      // difference, 0x7F by the sum; nothing is borrowed or carried beneath it.
      let wrong = word | (word &- 0x2020_2020_2020_2020) | (word &+ 0x0101_0101_0101_0101)
      guard wrong & 0x8080_8080_8080_8080 == 0 else { return false }
      index &+= 8
    }
    return unsafe consists(UnsafeBufferPointer(rebasing: value[index...]), of: isTextByte)
  }

  /// True for printable ASCII.
  package static func isValidText(_ value: String.UTF8View) -> Bool {
    consists(value, of: isTextByte)
  }

  /// `[A-Za-z0-9._-]{1,64}`: what may stand in a log line as it came.
  package static func isCorrelationID(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe (1...64).contains(value.count) && consists(value, of: isCorrelationByte)
  }

  /// `[A-Za-z0-9._-]{1,64}`: what may stand in a log line as it came.
  package static func isCorrelationID(_ value: String.UTF8View) -> Bool {
    (1...64).contains(value.count) && consists(value, of: isCorrelationByte)
  }

  private static func consists(
    _ text: String.UTF8View, of isAllowed: (UInt8) -> Bool
  ) -> Bool {
    text.allSatisfy(isAllowed)
  }

  private static func consists(
    _ bytes: UnsafeBufferPointer<UInt8>, of isAllowed: (UInt8) -> Bool
  ) -> Bool {
    guard let start = bytes.baseAddress else { return true }
    for index in 0..<bytes.count where unsafe !isAllowed(start[index]) { return false }
    return true
  }

  /// A bit for each of `-.0-9` and of `_a-z`, in the second and in the third and fourth 32 of ASCII.
  private static let nameBytes: (UInt64, UInt64) = (0x03FF_6000_0000_0000, 0x07FF_FFFE_8000_0000)

  private static func isNameByte(_ byte: UInt8) -> Bool {
    let half = byte < 64 ? nameBytes.0 : nameBytes.1
    return byte < 128 && half >> UInt64(byte & 63) & 1 != 0
  }

  private static func isTextByte(_ byte: UInt8) -> Bool { byte >= 0x20 && byte <= 0x7E }

  private static func isCorrelationByte(_ byte: UInt8) -> Bool {
    isNameByte(byte) || (byte >= 0x41 && byte <= 0x5A)
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
