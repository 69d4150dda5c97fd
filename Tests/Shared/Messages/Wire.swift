/// Bytes of the wire format, as a peer that keeps no rule would write them.
enum Wire {
  /// `value` in as few bytes as it takes.
  static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
    return bytes
  }

  /// The tag of a field.
  static func tag(_ number: UInt64, _ wireType: UInt64) -> [UInt8] {
    varint(number << 3 | wireType)
  }

  /// A field with a length.
  static func field(_ number: UInt64, _ value: [UInt8]) -> [UInt8] {
    tag(number, 2) + varint(UInt64(value.count)) + value
  }

  /// `levels` messages within each other, each in field 1 of the one around it.
  static func nested(_ levels: Int) -> [UInt8] {
    // From the inside, in reverse, so that it takes linear time.
    var reversed: [UInt8] = []
    for _ in 0..<levels {
      let count = UInt64(reversed.count)
      reversed += (tag(1, 2) + varint(count)).reversed()
    }
    return reversed.reversed()
  }
}
