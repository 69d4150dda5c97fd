internal import RPCCore

/// The value of `grpc-timeout`: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").
enum Timeout {
  /// Nanoseconds, saturating; nil when the value is malformed.
  static func parse(_ bytes: some Collection<UInt8>) -> UInt64? {
    guard bytes.count >= 2, bytes.count <= 9, let unit = bytes.dropFirst(bytes.count - 1).first
    else { return nil }
    var value: UInt64 = 0
    for byte in bytes.dropLast() {
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      value = value * 10 + UInt64(byte - 0x30)  // at most eight digits
    }
    let scale: UInt64
    switch unit {
    case UInt8(ascii: "H"): scale = 3_600_000_000_000
    case UInt8(ascii: "M"): scale = 60_000_000_000
    case UInt8(ascii: "S"): scale = 1_000_000_000
    case UInt8(ascii: "m"): scale = 1_000_000
    case UInt8(ascii: "u"): scale = 1000
    case UInt8(ascii: "n"): scale = 1
    default: return nil
    }
    let (product, overflow) = value.multipliedReportingOverflow(by: scale)
    return overflow ? .max : product
  }

  /// The value for a remaining time in nanoseconds: rounded up, at most eight digits, never 0.
  static func format(_ nanoseconds: UInt64) -> String {
    let nanoseconds = max(nanoseconds, 1)
    let units: [(scale: UInt64, letter: String)] = [
      (1, "n"), (1000, "u"), (1_000_000, "m"), (1_000_000_000, "S"), (60_000_000_000, "M"),
      (3_600_000_000_000, "H"),
    ]
    for (scale, letter) in units {
      let value = nanoseconds / scale + (nanoseconds % scale == 0 ? 0 : 1)
      if value <= 99_999_999 { return "\(value)\(letter)" }
    }
    return "99999999H"
  }
}
