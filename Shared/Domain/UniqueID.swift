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

  /// The canonical lower-case text, 36 characters.
  package var text: String {
    let hexadecimal = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: 36) { buffer in
      var output = 0
      for index in 0..<32 {
        if index == 8 || index == 12 || index == 16 || index == 20 {
          buffer[output] = 0x2D
          output += 1
        }
        let word = index < 16 ? high : low
        let nibble = word >> UInt64(60 - 4 * (index & 15)) & 0xF
        buffer[output] = hexadecimal[Int(nibble)]
        output += 1
      }
      return 36
    }
  }

  package static func < (left: UniqueID, right: UniqueID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

extension UniqueID: CustomStringConvertible {
  package var description: String { text }
}
