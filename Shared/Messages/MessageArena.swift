internal import Glibc

/// Memory for the C form of one message at a time, handed out by advancing an offset.
///
/// One per event loop or thread, reused: reading and writing end by resetting it, which takes
/// constant time while messages fit into the first chunk. It grows up to a hard cap; beyond, an
/// allocation fails and the message is refused as ``MessageError/Code/tooLarge``.
/// Not `Sendable`: an arena stays with the loop or thread that made it.
@safe package final class MessageArena {
  /// Outside of the object, so that protobuf-c's allocator reaches it by a plain pointer.
  let memory: UnsafeMutablePointer<ArenaMemory>

  /// An arena that allocates nothing until it is used.
  ///
  /// `firstChunkBytes` stay allocated between messages; `maximumBytes` is the cap on all chunks.
  package init(firstChunkBytes: Int = 1 << 16, maximumBytes: Int = 32 << 20) {
    precondition(firstChunkBytes >= 64, "a chunk has 64 bytes at least")
    precondition(maximumBytes >= firstChunkBytes, "the cap is below the first chunk")
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(
      to: ArenaMemory(firstChunkBytes: firstChunkBytes, maximumBytes: maximumBytes))
  }

  deinit {
    unsafe memory.pointee.release()
    unsafe memory.deallocate()
  }

  /// Bytes that all chunks together may take.
  package var maximumBytes: Int { unsafe memory.pointee.maximumBytes }

  /// Bytes handed out since the last reset, rounding included.
  package var usedBytes: Int { unsafe memory.pointee.usedBytes }

  /// The most bytes that what was put into the arena since the last reset takes on the wire.
  var wireBytes: Int { unsafe memory.pointee.wireBytes }

  /// Takes back all memory handed out; the first chunk is kept.
  package func reset() {
    unsafe memory.pointee.reset()
  }
}

/// The chunks of an arena. Each begins with the address of the one before it.
@safe struct ArenaMemory {
  let firstChunkBytes: Int
  let maximumBytes: Int
  /// Whether an allocation failed since the last reset.
  private(set) var isExhausted = false
  /// The sum of what ``allocate(_:wireBytes:)`` was told since the last reset.
  private(set) var wireBytes = 0

  private static let headerBytes = 8
  private var chunk: UnsafeMutableRawPointer?
  private var chunkBytes = 0
  /// What is left of the chunk, a multiple of 8, and where it begins.
  private var room = 0
  private var next: UnsafeMutableRawPointer?
  private var totalBytes = 0
  /// Bytes used in the chunks before the current one.
  private var earlierBytes = 0

  init(firstChunkBytes: Int, maximumBytes: Int) {
    self.firstChunkBytes = firstChunkBytes & ~7
    self.maximumBytes = maximumBytes
  }

  var usedBytes: Int { earlierBytes + chunkBytes - room }

  /// ``allocate(_:)``, of memory whose content takes `wireBytes` on the wire at most.
  @inline(__always)
  mutating func allocate(_ count: Int, wireBytes: Int) -> UnsafeMutableRawPointer? {
    self.wireBytes &+= wireBytes
    return unsafe allocate(count)
  }

  /// `count` bytes aligned to 8, uninitialized; nil when the cap is reached.
  @inline(__always)
  mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
    // Unsigned, a negative count is more than any room.
    guard UInt(bitPattern: count) <= UInt(bitPattern: room), let pointer = unsafe next else {
      return unsafe allocateFromNewChunk(count)
    }
    let rounded = (count &+ 7) & ~7
    room &-= rounded
    unsafe next = unsafe pointer + rounded
    return unsafe pointer
  }

  @inline(never)
  private mutating func allocateFromNewChunk(_ count: Int) -> UnsafeMutableRawPointer? {
    guard count >= 0, count <= maximumBytes else {
      isExhausted = true
      return nil
    }
    let isFirst = unsafe chunk == nil
    let wanted = isFirst ? firstChunkBytes : max(chunkBytes * 2, count + Self.headerBytes + 7)
    let size = min(wanted, maximumBytes - totalBytes) & ~7
    guard isFirst || size >= count + Self.headerBytes, let new = unsafe malloc(size) else {
      isExhausted = true
      return nil
    }
    unsafe new.storeBytes(of: chunk, as: UnsafeMutableRawPointer?.self)
    earlierBytes = usedBytes
    totalBytes += size
    unsafe begin(new, bytes: size)
    return unsafe allocate(count)
  }

  /// Hands out from `chunk`, of which nothing is used.
  private mutating func begin(_ chunk: UnsafeMutableRawPointer, bytes: Int) {
    unsafe self.chunk = unsafe chunk
    chunkBytes = bytes
    unsafe next = unsafe chunk + Self.headerBytes
    room = bytes - Self.headerBytes
  }

  /// Takes back all memory handed out and frees all chunks but the first.
  mutating func reset() {
    while totalBytes > firstChunkBytes, let last = unsafe chunk {
      unsafe chunk = unsafe last.load(as: UnsafeMutableRawPointer?.self)
      unsafe free(last)
      if unsafe chunk?.load(as: UnsafeMutableRawPointer?.self) == nil {
        totalBytes = firstChunkBytes
      }
    }
    if let first = unsafe chunk { unsafe begin(first, bytes: firstChunkBytes) }
    earlierBytes = 0
    wireBytes = 0
    isExhausted = false
  }

  /// Frees all chunks.
  mutating func release() {
    reset()
    unsafe free(chunk)
    unsafe chunk = nil
    unsafe next = nil
    room = 0
  }
}
