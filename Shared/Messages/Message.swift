/// A protobuf message as a Swift value. The generator writes the conforming types.
package protocol Message: Sendable, Hashable {
  /// The name with its package: "kontor.common.v1.Money".
  static var fullName: String { get }

  /// The C descriptor that reading and checking follow.
  static var descriptor: MessageDescriptor { get }

  /// The message with every field at its default.
  init()

  /// Takes the fields from the C struct at `pointer`, which was read from scanned bytes; before, the
  /// message has all at their default.
  ///
  /// For generated code only; `pointer` must be a struct of this type. Not an initializer: one would
  /// make the message elsewhere and copy it to its place, with its texts retained and released.
  @unsafe mutating func copyFields(from pointer: UnsafeRawPointer)

  /// Builds the C struct of this message, with all that it points to, in `arena`.
  ///
  /// For generated code only. Throws ``MessageError/Code/nulInString`` and
  /// ``MessageError/Code/tooLarge``.
  @unsafe func fill(_ arena: MessageArena) throws(MessageError) -> UnsafeMutableRawPointer
}

extension Message {
  /// Reads a message from the wire: checks the bytes against `limits` and the type's descriptor,
  /// then parses them with protobuf-c into `arena`, which is empty afterwards, and copies the values
  /// out.
  ///
  /// Nothing in `bytes` can trap. Unknown fields are skipped. Throws every
  /// ``MessageError/Code``.
  package init(
    scanning bytes: UnsafeRawBufferPointer, arena: MessageArena,
    limits: MessageLimits = .standard
  ) throws(MessageError) {
    let descriptor = Self.descriptor
    try unsafe descriptor.scan(bytes, limits: limits)
    // After a large message, its memory is not kept until the next one.
    defer { arena.reset() }
    let message = try unsafe descriptor.unpack(bytes, into: arena)
    self.init()
    unsafe copyFields(from: message)
  }

  /// Writes the message for the wire, straight into memory of the caller.
  ///
  /// `reserve` is called once with an upper bound of the bytes needed and answers where to write.
  /// Answers how many bytes were written. `arena` is empty afterwards. Throws
  /// ``MessageError/Code/nulInString`` for a text with a NUL, which a C string would cut, and
  /// ``MessageError/Code/tooLarge`` beyond the arena's cap.
  package func pack(
    arena: MessageArena, reserve: (Int) -> UnsafeMutableRawPointer
  ) throws(MessageError) -> Int {
    defer { arena.reset() }
    let message = try unsafe fill(arena)
    return unsafe ProtobufC.pack(message, reserve(arena.wireBytes))
  }

  /// Reads a message from `bytes` through the thread's arena.
  package init(
    serialized bytes: [UInt8], limits: MessageLimits = .standard
  ) throws(MessageError) {
    let arena = MessageArena.ofThread
    self = try unsafe bytes.span.withUnsafeBytes { (bytes) throws(MessageError) in
      try unsafe Self(scanning: bytes, arena: arena, limits: limits)
    }
  }

  /// The message for the wire. The same value always gives the same bytes.
  package func serialized() throws(MessageError) -> [UInt8] {
    let arena = MessageArena.ofThread
    defer { arena.reset() }
    let message = try unsafe fill(arena)
    let size = unsafe ProtobufC.packedSize(message)
    return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      count = unsafe ProtobufC.pack(message, UnsafeMutableRawPointer(start))
    }
  }
}
