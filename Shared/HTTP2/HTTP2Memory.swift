private import CNGHTTP2
internal import Glibc

/// Memory for nghttp2's sessions of one event loop: a freed piece waits in a list for the next of
/// its size.
///
/// nghttp2 allocates half a dozen pieces for a call, of few sizes; the lists save most of what
/// malloc takes for them. They are not locked, so that the sessions stay on one loop.
@safe final class HTTP2Memory {
  /// Sizes are rounded up to a multiple of this; each multiple has a list.
  private static let stepBytes = 64
  private static let listCount = 16
  /// Pieces kept in each list.
  private static let retainedPieces = 512
  /// What stands in front of each piece: the number of its list, `listCount` for none.
  private static let headerBytes = 16

  @unsafe private struct List {
    /// The first piece; each begins with the address of the next.
    var first: UnsafeMutableRawPointer?
    var count = 0
  }

  private let lists: UnsafeMutablePointer<List>
  /// What nghttp2 is given; it copies it.
  private var functions = unsafe nghttp2_mem()

  init() {
    unsafe lists = .allocate(capacity: Self.listCount)
    unsafe lists.initialize(repeating: List(), count: Self.listCount)
    unsafe functions = unsafe nghttp2_mem(
      mem_user_data: lists,
      malloc: { size, lists in unsafe HTTP2Memory.allocate(size, lists) },
      free: { piece, lists in unsafe HTTP2Memory.release(piece, lists) },
      calloc: { count, size, lists in
        let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, let piece = unsafe HTTP2Memory.allocate(bytes, lists) else { return nil }
        return unsafe memset(piece, 0, bytes)
      },
      realloc: { piece, size, lists in unsafe HTTP2Memory.reallocate(piece, size, lists) })
  }

  deinit {
    for index in 0..<Self.listCount {
      while let piece = unsafe lists[index].first {
        unsafe lists[index].first = unsafe piece.load(as: UnsafeMutableRawPointer?.self)
        unsafe free(piece - Self.headerBytes)
      }
    }
    unsafe lists.deallocate()
  }

  /// Lends the functions, an `nghttp2_mem`, for the making of a session, which this object must
  /// outlive.
  func withFunctions<R>(_ body: (UnsafeMutableRawPointer) -> R) -> R {
    unsafe withUnsafeMutablePointer(to: &functions) { unsafe body(UnsafeMutableRawPointer($0)) }
  }

  private static func allocate(
    _ size: Int, _ lists: UnsafeMutableRawPointer?
  ) -> UnsafeMutableRawPointer? {
    guard size >= 0, size <= Int.max - headerBytes - stepBytes else { return nil }
    let number = max(size - 1, 0) / stepBytes
    guard number < listCount, let lists = unsafe lists?.assumingMemoryBound(to: List.self) else {
      return unsafe fresh(listCount, size)
    }
    guard let piece = unsafe lists[number].first else {
      return unsafe fresh(number, (number + 1) * stepBytes)
    }
    unsafe lists[number].first = unsafe piece.load(as: UnsafeMutableRawPointer?.self)
    unsafe lists[number].count -= 1
    return unsafe piece
  }

  private static func fresh(_ number: Int, _ size: Int) -> UnsafeMutableRawPointer? {
    guard let memory = unsafe malloc(headerBytes + size) else { return nil }
    unsafe memory.storeBytes(of: number, as: Int.self)
    unsafe memory.storeBytes(of: size, toByteOffset: 8, as: Int.self)
    return unsafe memory + headerBytes
  }

  private static func release(_ piece: UnsafeMutableRawPointer?, _ lists: UnsafeMutableRawPointer?)
  {
    guard let piece = unsafe piece else { return }
    let memory = unsafe piece - headerBytes
    let number = unsafe memory.load(as: Int.self)
    guard number < listCount, let lists = unsafe lists?.assumingMemoryBound(to: List.self),
      unsafe lists[number].count < retainedPieces
    else { return unsafe free(memory) }
    unsafe piece.storeBytes(of: lists[number].first, as: UnsafeMutableRawPointer?.self)
    unsafe lists[number].first = unsafe piece
    unsafe lists[number].count += 1
  }

  private static func reallocate(
    _ piece: UnsafeMutableRawPointer?, _ size: Int, _ lists: UnsafeMutableRawPointer?
  ) -> UnsafeMutableRawPointer? {
    guard let piece = unsafe piece else { return unsafe allocate(size, lists) }
    let held = unsafe (piece - headerBytes).load(fromByteOffset: 8, as: Int.self)
    guard size > held else { return unsafe piece }
    guard let larger = unsafe allocate(size, lists) else { return nil }
    unsafe memcpy(larger, piece, held)
    unsafe release(piece, lists)
    return unsafe larger
  }
}
