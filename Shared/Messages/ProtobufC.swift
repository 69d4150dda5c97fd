private import CProtobufC

/// The calls into protobuf-c, on untyped memory so that no C type leaves the module.
enum ProtobufC {
  /// Bytes that `message`, a filled C struct, takes on the wire.
  static func packedSize(_ message: UnsafeMutableRawPointer) -> Int {
    unsafe protobuf_c_message_get_packed_size(
      message.assumingMemoryBound(to: ProtobufCMessage.self))
  }

  /// Packs `message`, a filled C struct, to `output`, which has room; answers the bytes written.
  static func pack(
    _ message: UnsafeMutableRawPointer, _ output: UnsafeMutableRawPointer
  ) -> Int {
    unsafe protobuf_c_message_pack(
      message.assumingMemoryBound(to: ProtobufCMessage.self),
      output.assumingMemoryBound(to: UInt8.self))
  }
}

extension MessageDescriptor {
  /// Parses scanned bytes into `arena`; the struct answered lives until the arena's next reset.
  ///
  /// Throws `tooLarge` when the arena is full and `malformed` when protobuf-c refuses what the
  /// scan let pass.
  func unpack(
    _ bytes: UnsafeRawBufferPointer, into arena: MessageArena
  ) throws(MessageError) -> UnsafeRawPointer {
    var allocator = unsafe ProtobufCAllocator(
      alloc: { memory, count in
        unsafe memory?.assumingMemoryBound(to: ArenaMemory.self).pointee.allocate(count)
      },
      free: { _, _ in },
      allocator_data: UnsafeMutableRawPointer(arena.memory))
    let message = unsafe protobuf_c_message_unpack(
      pointer.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), &allocator,
      bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    if let message = unsafe message { return UnsafeRawPointer(message) }
    if unsafe arena.memory.pointee.isExhausted {
      throw MessageError(
        .tooLarge, "\(name) needs more than \(arena.maximumBytes) bytes of memory")
    }
    throw MessageError(.malformed, "\(name) is not in the wire format")
  }
}
