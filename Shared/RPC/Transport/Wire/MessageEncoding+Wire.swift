internal import Compression
internal import RPCCore

extension MessageEncoding {
  /// The value of `grpc-accept-encoding`.
  static let accepted: StaticString = "identity,deflate,gzip"

  /// The encoding of a `grpc-encoding` value; nil for identity and for unknown ones.
  init?(name: UnsafeBufferPointer<UInt8>) {
    if unsafe matches(name, "gzip") {
      self = .gzip
    } else if unsafe matches(name, "deflate") {
      self = .deflate
    } else {
      return nil
    }
  }

  /// The encoding that a call asks for; nil for identity.
  init?(_ compression: MessageCompression) {
    switch compression {
    case .identity: return nil
    case .deflate: self = .deflate
    case .gzip: self = .gzip
    }
  }

  /// The value of `grpc-encoding`.
  var name: StaticString {
    switch self {
    case .deflate: "deflate"
    case .gzip: "gzip"
    }
  }

  /// Compresses a message that is to be sent.
  func compressed(_ bytes: UnsafeRawBufferPointer) throws(RPCError) -> [UInt8] {
    do {
      return unsafe try compress(bytes)
    } catch {
      throw RPCError(.resourceExhausted, reason: "NO_MEMORY", "no memory to compress")
    }
  }

  /// Decompresses a received message.
  ///
  /// - Throws: INTERNAL for corrupt data, RESOURCE_EXHAUSTED beyond the limit.
  func message(
    _ bytes: UnsafeRawBufferPointer, limit: Int
  ) throws(RPCError) -> [UInt8] {
    do {
      return unsafe try decompress(bytes, limit: limit)
    } catch {
      switch error {
      case .corrupt:
        throw RPCError(
          .internalError, reason: "MESSAGE_NOT_DECOMPRESSED", "a message does not decompress")
      case .tooLarge:
        throw RPCError(
          .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
          "a decompressed message is beyond the limit of \(limit) bytes")
      case .outOfMemory:
        throw RPCError(.resourceExhausted, reason: "NO_MEMORY", "no memory to decompress")
      }
    }
  }
}

/// What a message prefix's flag asks for; true for a compressed message.
///
/// - Throws: INTERNAL for a flag that does not fit the encoding.
func isCompressed(_ flag: UInt64, _ encoding: MessageEncoding?) throws(RPCError) -> Bool {
  switch flag {
  case 0: return false
  case 1 where encoding != nil: return true
  default:
    throw RPCError(
      .internalError, reason: "MESSAGE_FLAG_INVALID",
      flag == 1 ? "a compressed message without a message encoding" : "unknown message flag")
  }
}

/// The encodings that a peer takes, by its `grpc-accept-encoding`.
struct AcceptedEncodings: Sendable {
  private(set) var gzip = false
  private(set) var deflate = false

  /// Adds the names of a header's value, which commas separate; unknown ones are not counted.
  mutating func add(_ value: UnsafeBufferPointer<UInt8>) {
    for part in unsafe String(decoding: value, as: UTF8.self).utf8.split(separator: 0x2C) {
      let name = part.drop { $0 == 0x20 }.prefix { $0 != 0x20 }
      if name.elementsEqual("gzip".utf8) { gzip = true }
      if name.elementsEqual("deflate".utf8) { deflate = true }
    }
  }

  func contains(_ encoding: MessageEncoding) -> Bool {
    switch encoding {
    case .gzip: gzip
    case .deflate: deflate
    }
  }
}
