internal import Glibc

/// Bytes in their order, in one piece of raw memory that is used again.
@safe struct ByteQueue: ~Copyable {
  /// Memory that an empty queue keeps, in bytes.
  private static let retainedBytes = 16 * 1024

  private var memory: UnsafeMutableRawPointer?
  private var capacity = 0
  private var start = 0
  private var end = 0

  init() {}

  deinit { unsafe memory?.deallocate() }

  var count: Int { end - start }
  var isEmpty: Bool { end == start }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    makeRoom(bytes.count)
    if let memory = unsafe memory { unsafe memcpy(memory + end, source, bytes.count) }
    end += bytes.count
  }

  /// Room for `size` bytes behind the others, to be written and then taken in by `commit`; valid
  /// until the queue changes.
  mutating func reserve(_ size: Int) -> UnsafeMutableRawPointer? {
    makeRoom(size)
    return unsafe memory.map { unsafe $0 + end }
  }

  /// Takes in the first `size` bytes of the room that `reserve` gave.
  mutating func commit(_ size: Int) {
    precondition(size >= 0 && size <= capacity - end, "within the reserved room")
    end += size
  }

  /// Moves up to `limit` bytes out; returns how many.
  mutating func move(to target: UnsafeMutableRawPointer, limit: Int) -> Int {
    let size = min(limit, count)
    if size > 0, let memory = unsafe memory { unsafe memcpy(target, memory + start, size) }
    start += size
    if start == end { removeAll() }
    return size
  }

  /// Empties the queue, and gives memory back beyond what an empty one keeps.
  mutating func removeAll() {
    start = 0
    end = 0
    guard capacity > Self.retainedBytes else { return }
    unsafe memory?.deallocate()
    unsafe memory = nil
    capacity = 0
  }

  private mutating func makeRoom(_ size: Int) {
    guard end + size > capacity else { return }
    let held = count
    // A move of more than half the memory would not earn what it costs: many small appends to a
    // long queue would move it again and again.
    if held + size <= capacity, held <= capacity / 2, let memory = unsafe memory {
      unsafe memmove(memory, memory + start, held)
    } else {
      let larger = max(held + size, capacity * 2, 512)
      let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
      if let memory = unsafe memory {
        unsafe memcpy(fresh, memory + start, held)
        unsafe memory.deallocate()
      }
      unsafe memory = unsafe fresh
      capacity = larger
    }
    start = 0
    end = held
  }
}
