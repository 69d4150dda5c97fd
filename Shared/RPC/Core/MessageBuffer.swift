internal import Glibc

/// Growable raw memory for one message behind its five-byte gRPC prefix.
///
/// Confined to the event loop of the call that it belongs to; pooled by the transport, so that an
/// answer costs no allocation.
@safe package final class MessageBuffer {
  /// Bytes of the prefix: a flag and a 32-bit big-endian length.
  package static let prefixSize = 5

  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// Bytes of the message, without the prefix.
  package private(set) var messageSize = 0

  /// - Parameter capacity: room for the message in bytes, before it must grow.
  package init(capacity: Int = 512) {
    self.capacity = capacity + Self.prefixSize
    unsafe base = .allocate(byteCount: self.capacity, alignment: 16)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.prefixSize)
  }

  deinit { unsafe base.deallocate() }

  /// Room for at least `size` bytes of message, to be filled and then declared by `commit`.
  ///
  /// Drops what the buffer held. The pointer is valid until the next `reserve`.
  package func reserve(_ size: Int) -> UnsafeMutableRawPointer {
    let (needed, overflow) = size.addingReportingOverflow(Self.prefixSize)
    precondition(size >= 0 && !overflow, "a message has a size")
    if needed > capacity {
      unsafe base.deallocate()
      capacity = max(needed, capacity &* 2)
      unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }
    messageSize = 0
    return unsafe base + Self.prefixSize
  }

  /// Makes room for a part of a message of which the first bytes are here.
  ///
  /// - Parameters:
  ///   - needed: bytes of the message that there must be room for.
  ///   - size: bytes of the whole message.
  ///   - kept: bytes that are here.
  package func makeRoom(_ needed: Int, of size: Int, keeping kept: Int) {
    precondition(kept >= 0 && kept <= needed && needed <= size, "a part of the message")
    guard needed > capacity - Self.prefixSize else { return }
    let larger = min(size, max(needed, capacity &* 2)) + Self.prefixSize
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    unsafe fresh.copyMemory(from: base, byteCount: kept + Self.prefixSize)
    unsafe base.deallocate()
    unsafe base = unsafe fresh
    capacity = larger
  }

  /// Declares how many bytes of the reserved room are the message, and writes the prefix.
  package func commit(_ size: Int, isCompressed: Bool = false) {
    precondition(size >= 0 && size <= capacity - Self.prefixSize, "within the reserved room")
    messageSize = size
    unsafe Self.writePrefix(to: base, size, isCompressed: isCompressed)
  }

  /// Writes the prefix of a message of `size` bytes to `target`.
  package static func writePrefix(
    to target: UnsafeMutableRawPointer, _ size: Int, isCompressed: Bool = false
  ) {
    unsafe target.storeBytes(of: isCompressed ? 1 : 0, as: UInt8.self)
    unsafe target.storeBytes(
      of: UInt32(truncatingIfNeeded: size).bigEndian, toByteOffset: 1, as: UInt32.self)
  }

  /// Copies a part of the message into reserved room.
  package func write(_ part: UnsafeRawBufferPointer, at offset: Int) {
    precondition(
      offset >= 0 && part.count <= capacity - Self.prefixSize - offset, "within the reserved room")
    guard let start = part.baseAddress else { return }
    unsafe (base + Self.prefixSize + offset).copyMemory(from: start, byteCount: part.count)
  }

  /// Takes a message that exists as an array.
  ///
  /// - Parameter isCompressed: what the prefix says of it.
  package func fill(_ message: [UInt8], isCompressed: Bool = false) {
    let room = unsafe reserve(message.count)
    unsafe message.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress {
        unsafe room.copyMemory(from: start, byteCount: bytes.count)
      }
    }
    commit(message.count, isCompressed: isCompressed)
  }

  /// Prefix and message, valid until the buffer changes.
  package var framed: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base, count: Self.prefixSize + messageSize)
  }

  /// The message without its prefix, valid until the buffer changes.
  package var message: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base + Self.prefixSize, count: messageSize)
  }

  /// Forgets the message, and gives memory back beyond `limit` bytes.
  package func reset(keeping limit: Int) {
    messageSize = 0
    guard capacity > limit + Self.prefixSize else { return }
    unsafe base.deallocate()
    capacity = limit + Self.prefixSize
    unsafe base = .allocate(byteCount: capacity, alignment: 16)
  }
}
