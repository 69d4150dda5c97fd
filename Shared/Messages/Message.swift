/// A protobuf message as a Swift value.
package protocol Message: Sendable, Hashable {
  /// The full protobuf name, for example `kontor.common.v1.Money`.
  static var fullName: String { get }
  init()
  /// Checks and decodes.
  init(
    scanning bytes: UnsafeRawBufferPointer, arena: MessageArena, limits: MessageLimits
  ) throws(MessageError)
  /// Encodes; `reserve(n)` returns room for at least n bytes. Returns the bytes written.
  func pack(
    arena: MessageArena, reserve: (Int) -> UnsafeMutableRawPointer
  ) throws(MessageError) -> Int
}

extension Message {
  /// Decodes from an array.
  package init(serialized bytes: [UInt8], limits: MessageLimits = .standard) throws(MessageError) {
    let arena = MessageArena()
    let result = unsafe bytes.withUnsafeBytes { bytes -> Result<Self, MessageError> in
      do throws(MessageError) {
        return .success(unsafe try Self(scanning: bytes, arena: arena, limits: limits))
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  /// Encodes into an array.
  package func serialized() throws(MessageError) -> [UInt8] {
    var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    defer { unsafe memory.deallocate() }
    let size = unsafe try pack(arena: MessageArena()) { size in
      unsafe memory.deallocate()
      unsafe memory = .allocate(byteCount: max(size, 1), alignment: 16)
      return unsafe memory.baseAddress.unsafelyUnwrapped
    }
    return unsafe Array(memory.prefix(size))
  }
}

/// Memory for one message while it is decoded or encoded.
package final class MessageArena {
  package init() {}
}

/// Bounds on what a message may hold.
package struct MessageLimits: Sendable {
  package static let standard = MessageLimits()
  package init() {}
}

/// Why a message does not decode or encode.
package struct MessageError: Error, Sendable, Hashable {
  package enum Code: Sendable, Hashable {
    case malformed, invalidUTF8, nulInString, tooDeep, tooManyElements, tooLarge
  }
  package var code: Code
  package var message: String
  package init(code: Code, message: String) {
    self.code = code
    self.message = message
  }
}
