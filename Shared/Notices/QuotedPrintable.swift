/// Text as 7-bit lines of 76 characters at most (RFC 2045, section 6.7).
enum QuotedPrintable {
  /// The text's UTF-8; line endings of any kind become CRLF, and the last line has one.
  static func encode(_ text: String) -> [UInt8] {
    var encoded: [UInt8] = []
    var isLineEmpty = true
    var line: [UInt8] = []
    var previous: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case 0x0A where previous == 0x0D: break
      case 0x0A, 0x0D:
        append(line, to: &encoded)
        line = []
      default: line.append(byte)
      }
      isLineEmpty = line.isEmpty
      previous = byte
    }
    if !isLineEmpty { append(line, to: &encoded) }
    return encoded
  }

  private static func append(_ line: [UInt8], to encoded: inout [UInt8]) {
    var width = 0
    for (index, byte) in line.enumerated() {
      let isLast = index == line.count - 1
      let piece = self.piece(byte, isLast: isLast)
      // A soft line break needs a place itself.
      if width + piece.count > (isLast ? 76 : 75) {
        encoded += [0x3D, 0x0D, 0x0A]
        width = 0
      }
      encoded += piece
      width += piece.count
    }
    encoded += [0x0D, 0x0A]
  }

  private static func piece(_ byte: UInt8, isLast: Bool) -> [UInt8] {
    switch byte {
    case 0x3D: break
    case 0x20, 0x09: if !isLast { return [byte] }
    case 0x21...0x7E: return [byte]
    default: break
    }
    let digits = Array("0123456789ABCDEF".utf8)
    return [0x3D, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }
}
