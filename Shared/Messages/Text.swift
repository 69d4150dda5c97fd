/// What is known of a text from its bytes alone.
enum Text {
  /// Whether the `count` bytes at `start` are ASCII without NUL, as almost all texts are: valid
  /// UTF-8 that a C string holds.
  @inline(__always)
  static func isPlain(_ start: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    unsafe flaws(UnsafeRawPointer(start), count, allowingNUL: false) == 0
  }

  /// Whether the `count` bytes at `start` are ASCII.
  @inline(__always)
  static func isASCII(_ start: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    unsafe flaws(UnsafeRawPointer(start), count, allowingNUL: true) == 0
  }

  /// Not zero when one of the `count` bytes at `start` is none of ASCII, or NUL where that is
  /// excluded.
  ///
  /// Eight bytes at a time. The last eight overlap those before them, so that nothing outside is
  /// read.
  @inline(__always)
  private static func flaws(
    _ start: UnsafeRawPointer, _ count: Int, allowingNUL: Bool
  ) -> UInt64 {
    guard count >= 8 else { return unsafe flawsOfFew(start, count, allowingNUL) }
    var found: UInt64 = 0
    var offset = 0
    while offset < count &- 8 {
      found |= flaws(
        unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self), allowingNUL)
      offset &+= 8
    }
    found |= flaws(
      unsafe start.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self), allowingNUL)
    return found & 0x8080_8080_8080_8080
  }

  /// The same for fewer than eight bytes, which are padded with spaces.
  @inline(__always)
  private static func flawsOfFew(
    _ start: UnsafeRawPointer, _ count: Int, _ allowingNUL: Bool
  ) -> UInt64 {
    var word: UInt64 = 0x2020_2020_2020_2020
    for index in 0..<count {
      word = word &<< 8 | UInt64(unsafe start.load(fromByteOffset: index, as: UInt8.self))
    }
    return flaws(word, allowingNUL) & 0x8080_8080_8080_8080
  }

  /// The high bit of a byte of `word` is set in the result when it is set in the byte or, unless
  /// NUL is allowed, the byte is zero. (Below 0x80 the sum has no carry, and its high bit is set for
  /// all but zero; above, the byte itself counts.)
  @inline(__always)
  private static func flaws(_ word: UInt64, _ allowingNUL: Bool) -> UInt64 {
    allowingNUL ? word : word | ~(word &+ 0x7F7F_7F7F_7F7F_7F7F)
  }
}
