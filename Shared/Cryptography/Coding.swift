/// Hexadecimal text (RFC 4648, section 8) in lower case.
package enum Hex {
  /// Two digits for each byte.
  package static func encode(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.count)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes; nil for anything but pairs of digits, in either case.
  package static func decode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 {
      let value: UInt8
      switch character {
      case 0x30...0x39: value = character - 0x30
      case 0x41...0x46: value = character - 0x41 + 10
      case 0x61...0x66: value = character - 0x61 + 10
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return high == nil ? bytes : nil
  }
}

/// Base64 for URLs, without padding (RFC 4648, section 5).
package enum Base64URL {
  package static func encode(_ bytes: [UInt8]) -> String {
    Base64Alphabet.url.encode(bytes, padded: false)
  }

  /// The bytes; nil for another alphabet, padding, a wrong length or unused bits that are set, so
  /// that two texts never mean the same bytes.
  package static func decode(_ text: String) -> [UInt8]? {
    Base64Alphabet.url.decode(Array(text.utf8))
  }
}

/// Base64 with padding (RFC 4648, section 4).
package enum Base64 {
  package static func encode(_ bytes: [UInt8]) -> String {
    Base64Alphabet.standard.encode(bytes, padded: true)
  }

  /// Without the padding, as password hashes have it.
  static func encodeUnpadded(_ bytes: [UInt8]) -> String {
    Base64Alphabet.standard.encode(bytes, padded: false)
  }

  static func decodeUnpadded(_ text: some StringProtocol) -> [UInt8]? {
    Base64Alphabet.standard.decode(Array(text.utf8))
  }

  /// The bytes; nil for another alphabet, missing padding or unused bits that are set.
  package static func decode(_ text: String) -> [UInt8]? {
    var characters = Array(text.utf8)
    guard characters.count.isMultiple(of: 4) else { return nil }
    var padding = 0
    while padding < 2, characters.last == 0x3D {
      characters.removeLast()
      padding += 1
    }
    guard (characters.count + padding).isMultiple(of: 4), padding == (4 - characters.count % 4) % 4
    else { return nil }
    return Base64Alphabet.standard.decode(characters)
  }
}

private struct Base64Alphabet {
  static let standard = Base64Alphabet(last: "+/")
  static let url = Base64Alphabet(last: "-_")

  private let characters: [UInt8]
  /// The value of each character; 255 for those outside the alphabet.
  private let values: [UInt8]

  private init(last: String) {
    characters = Array(
      ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last).utf8)
    var values = [UInt8](repeating: 255, count: 256)
    for (value, character) in characters.enumerated() { values[Int(character)] = UInt8(value) }
    self.values = values
  }

  func encode(_ bytes: [UInt8], padded: Bool) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
      let group = bytes[index..<min(index + 3, bytes.count)]
      var word: UInt32 = 0
      for byte in group { word = word << 8 | UInt32(byte) }
      word <<= UInt32(8 * (3 - group.count))
      for position in 0...group.count {
        text.append(characters[Int(word >> UInt32(18 - 6 * position) & 63)])
      }
      if padded {
        for _ in group.count..<3 { text.append(0x3D) }
      }
      index += 3
    }
    return String(decoding: text, as: UTF8.self)
  }

  func decode(_ text: [UInt8]) -> [UInt8]? {
    guard text.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var word: UInt32 = 0
    var bits = 0
    for character in text {
      let value = values[Int(character)]
      guard value != 255 else { return nil }
      word = (word << 6 | UInt32(value)) & 0xFFFF
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
      }
    }
    guard word & (1 << UInt32(bits) - 1) == 0 else { return nil }
    return bytes
  }
}
