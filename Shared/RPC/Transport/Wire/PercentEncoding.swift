/// The encoding of `grpc-message` (gRPC over HTTP/2, "Status-Message").
enum PercentEncoding {
  /// Encodes UTF-8, except 0x20…0x24 and 0x26…0x7E; what is beyond `limit` bytes is cut at a
  /// character.
  static func encode(_ text: String, limit: Int) -> String {
    var text = text
    if text.utf8.count > limit {
      var end = text.utf8.index(text.startIndex, offsetBy: limit)
      while end > text.startIndex, String.Index(end, within: text.unicodeScalars) == nil {
        end = text.utf8.index(before: end)
      }
      text = String(text[..<end])
    }
    if text.utf8.allSatisfy(isPlain) { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count * 3)
    for byte in text.utf8 {
      if isPlain(byte) {
        result.append(byte)
      } else {
        result.append(UInt8(ascii: "%"))
        result.append(hexDigit(byte >> 4))
        result.append(hexDigit(byte & 0xF))
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Decodes; never fails: a `%` without two digits stands for itself, bad UTF-8 is repaired.
  static func decode(_ bytes: some Collection<UInt8>) -> String {
    guard bytes.contains(UInt8(ascii: "%")) else { return String(decoding: bytes, as: UTF8.self) }
    let source = Array(bytes)
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
      if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
        let high = value(source[index + 1]), let low = value(source[index + 2])
      {
        result.append(high << 4 | low)
        index += 3
      } else {
        result.append(source[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte <= 0x7E && byte != UInt8(ascii: "%")
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }

  private static func value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
