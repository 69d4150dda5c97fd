internal import Glibc

/// Memory for the C form of one message at a time, handed out by advancing an offset.
///
/// One per event loop or thread, reused: reading and writing begin by resetting it, which takes
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

  private static let headerBytes = 8
  private var chunk: UnsafeMutableRawPointer?
  private var offset = 0
  private var chunkBytes = 0
  private var totalBytes = 0
  /// Bytes used in the chunks before the current one.
  private var earlierBytes = 0

  init(firstChunkBytes: Int, maximumBytes: Int) {
    self.firstChunkBytes = firstChunkBytes
    self.maximumBytes = maximumBytes
  }

  var usedBytes: Int { earlierBytes + offset }

  /// `count` bytes aligned to 8, uninitialized; nil when the cap is reached.
  mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
    guard count >= 0, count <= maximumBytes else {
      isExhausted = true
      return nil
    }
    let rounded = (count &+ 7) & ~7
    guard rounded <= chunkBytes &- offset, let chunk = unsafe chunk else {
      return unsafe allocateFromNewChunk(rounded)
    }
    let pointer = unsafe chunk + offset
    offset &+= rounded
    return unsafe pointer
  }

  private mutating func allocateFromNewChunk(_ count: Int) -> UnsafeMutableRawPointer? {
    let isFirst = unsafe chunk == nil
    let wanted = isFirst ? firstChunkBytes : max(chunkBytes * 2, count + Self.headerBytes)
    let size = min(wanted, maximumBytes - totalBytes)
    guard isFirst || size >= count + Self.headerBytes, let new = unsafe malloc(size) else {
      isExhausted = true
      return nil
    }
    unsafe new.storeBytes(of: chunk, as: UnsafeMutableRawPointer?.self)
    unsafe chunk = unsafe new
    earlierBytes += offset
    offset = Self.headerBytes
    chunkBytes = size
    totalBytes += size
    return unsafe allocate(count)
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
    if unsafe chunk != nil {
      chunkBytes = firstChunkBytes
      offset = Self.headerBytes
    }
    earlierBytes = 0
    isExhausted = false
  }

  /// Frees all chunks.
  mutating func release() {
    reset()
    unsafe free(chunk)
    unsafe chunk = nil
  }
}
