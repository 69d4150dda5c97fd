/// A place in bytes of the wire format, and their end.
///
/// What cannot be read leaves it where it is.
@safe struct WireCursor {
  private(set) var position: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>

  /// - Parameter count: bytes from `position`, which stay where they are while they are read.
  @inline(__always)
  init(position: UnsafePointer<UInt8>, count: Int) {
    unsafe self.position = unsafe position
    unsafe end = unsafe position + count
  }

  /// Bytes that are left.
  @inline(__always)
  var count: Int { unsafe end - position }

  @inline(__always)
  var isAtEnd: Bool { unsafe position >= end }

  /// A number of at most 32 bits in at most five bytes, as tags and lengths are; nil for more, and
  /// when the bytes end in it.
  @inline(__always)
  mutating func readUInt32() -> UInt32? {
    guard unsafe position < end else { return nil }
    let byte = unsafe position.pointee
    guard byte >= 0x80 else {
      unsafe position += 1
      return UInt32(byte)
    }
    guard let (number, count) = longUInt32() else { return nil }
    unsafe position += count
    return number
  }

  /// The number of two bytes and more at the cursor, with how many they are.
  ///
  /// Apart from ``readUInt32()`` and not mutating, so that the cursor can be in registers.
  private func longUInt32() -> (UInt32, count: Int)? {
    var value: UInt64 = 0
    for index in 0..<min(count, 5) {
      let byte = unsafe position[index]
      value |= UInt64(byte & 0x7F) &<< UInt64(index &* 7)
      if byte < 0x80 { return UInt32(exactly: value).map { ($0, index + 1) } }
    }
    return nil
  }

  /// The bytes behind a length, which lie before the end; passes over them.
  @inline(__always)
  mutating func readValue() -> WireCursor? {
    let start = self
    guard let length = readUInt32(), Int(length) <= count else {
      self = start
      return nil
    }
    let value = unsafe WireCursor(position: position, count: Int(length))
    unsafe position += Int(length)
    return value
  }

  /// Passes over `count` bytes, if there are as many.
  @inline(__always)
  mutating func skip(_ count: Int) -> Bool {
    guard count <= self.count else { return false }
    unsafe position += count
    return true
  }

  /// Passes over a number of at most ten bytes, if there is one.
  @inline(__always)
  mutating func skipVarint() -> Bool {
    guard unsafe position < end else { return false }
    guard unsafe position.pointee >= 0x80 else {
      unsafe position += 1
      return true
    }
    return skipLongVarint()
  }

  /// ``skipVarint()`` of two bytes and more.
  @inline(__always)
  private mutating func skipLongVarint() -> Bool {
    if count >= 8 {
      // The last byte of a number is the first without the high bit.
      let word = unsafe UnsafeRawPointer(position).loadUnaligned(as: UInt64.self)
      let lasts = ~UInt64(littleEndian: word) & 0x8080_8080_8080_8080
      if lasts != 0 {
        unsafe position += lasts.trailingZeroBitCount / 8 + 1
        return true
      }
    }
    let limit = unsafe min(end, position + 10)
    var last = unsafe position
    while unsafe last < limit, unsafe last.pointee >= 0x80 { unsafe last += 1 }
    guard unsafe last < limit else { return false }
    unsafe position = unsafe last + 1
    return true
  }

  /// Whether the tag, length or number before which the cursor stopped is too long, rather than cut
  /// short.
  var isBeforeLongNumber: Bool {
    let bytes = unsafe UnsafeBufferPointer(start: position, count: count)
    guard let last = unsafe bytes.firstIndex(where: { $0 < 0x80 }) else { return count >= 10 }
    // Of five bytes, the last has four of 32 bits.
    return unsafe last > 4 || last == 4 && bytes[last] > 0x0F
  }
}

/// Wire types (protobuf encoding, "Message Structure").
enum WireType {
  static let varint: UInt32 = 0
  static let fixed64: UInt32 = 1
  static let lengthPrefixed: UInt32 = 2
  static let groupStart: UInt32 = 3
  static let groupEnd: UInt32 = 4
  static let fixed32: UInt32 = 5
}
