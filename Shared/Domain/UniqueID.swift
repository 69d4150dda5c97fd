/// A UUID (RFC 9562); ids made here are version 7, so that they sort by the time they were made.
package struct UniqueID: Sendable, Hashable, Comparable {
  private let high: UInt64
  private let low: UInt64

  /// A version 7 UUID of a moment and 74 random bits (taken from `random` and `moreRandom`).
  package init(at instant: Instant, random: UInt64, moreRandom: UInt64) {
    let milliseconds = UInt64(bitPattern: max(0, instant.microseconds) / 1000) & 0xFFFF_FFFF_FFFF
    high = milliseconds << 16 | 0x7000 | (random & 0x0FFF)
    low = 0x8000_0000_0000_0000 | (moreRandom & 0x3FFF_FFFF_FFFF_FFFF)
  }

  /// Reads the canonical lower-case form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`; nil otherwise.
  package init?(_ text: String) {
    var words: (UInt64, UInt64) = (0, 0)
    var digits = 0
    var position = 0
    for byte in text.utf8 {
      if position == 8 || position == 13 || position == 18 || position == 23 {
        guard byte == 0x2D else { return nil }
      } else {
        let value: UInt8
        switch byte {
        case 0x30...0x39: value = byte - 0x30
        case 0x61...0x66: value = byte - 0x61 + 10
        default: return nil
        }
        guard digits < 32 else { return nil }
        if digits < 16 {
          words.0 = words.0 << 4 | UInt64(value)
        } else {
          words.1 = words.1 << 4 | UInt64(value)
        }
        digits += 1
      }
      position += 1
    }
    guard position == 36, digits == 32 else { return nil }
    (high, low) = words
  }

  /// How long the canonical text is, in bytes.
  package static let textLength = 36

  /// The canonical lower-case text, 36 characters.
  package var text: String {
    String(unsafeUninitializedCapacity: Self.textLength) { buffer in
      writeText(to: UnsafeMutableRawBufferPointer(buffer))
      return Self.textLength
    }
  }

  /// Writes the canonical text, which is ASCII, to the beginning of a buffer of 36 bytes or more.
  package func writeText(to buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count >= Self.textLength, "a buffer has room for an id's text")
    let first = Self.digits(UInt32(truncatingIfNeeded: high >> 32))
    let second = Self.digits(UInt32(truncatingIfNeeded: high))
    let third = Self.digits(UInt32(truncatingIfNeeded: low >> 32))
    let fourth = Self.digits(UInt32(truncatingIfNeeded: low))
    let hyphen: UInt8 = 0x2D
    buffer.storeBytes(of: first.bigEndian, toByteOffset: 0, as: UInt64.self)
    buffer.storeBytes(of: hyphen, toByteOffset: 8, as: UInt8.self)
    buffer.storeBytes(of: Self.upperHalf(second), toByteOffset: 9, as: UInt32.self)
    buffer.storeBytes(of: hyphen, toByteOffset: 13, as: UInt8.self)
    buffer.storeBytes(of: Self.lowerHalf(second), toByteOffset: 14, as: UInt32.self)
    buffer.storeBytes(of: hyphen, toByteOffset: 18, as: UInt8.self)
    buffer.storeBytes(of: Self.upperHalf(third), toByteOffset: 19, as: UInt32.self)
    buffer.storeBytes(of: hyphen, toByteOffset: 23, as: UInt8.self)
    buffer.storeBytes(of: Self.lowerHalf(third), toByteOffset: 24, as: UInt32.self)
    buffer.storeBytes(of: fourth.bigEndian, toByteOffset: 28, as: UInt64.self)
  }

  /// The eight hexadecimal digits of a word in ASCII, the first in the most significant byte.
  private static func digits(_ word: UInt32) -> UInt64 {
    // A nibble to each byte, then 0x30 to all and 0x27 more to those from ten on.
    var nibbles = UInt64(word)
    nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
    nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
    nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
    let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
  }

  private static func upperHalf(_ digits: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: digits >> 32).bigEndian
  }

  private static func lowerHalf(_ digits: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: digits).bigEndian
  }

  package static func < (left: UniqueID, right: UniqueID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

extension UniqueID: CustomStringConvertible {
  package var description: String { text }
}
