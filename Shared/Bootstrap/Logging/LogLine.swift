internal import SharedDomain

/// One line of logfmt while it is put together.
package struct LogLine {
  /// The longest line, its line break included, in bytes.
  package static let maximumBytes = 4096
  /// The longest value, in bytes; what is longer is cut.
  package static let maximumValueBytes = 1024

  private static let tail = " truncated=true"
  private var bytes: [UInt8] = []
  private var isFull = false

  /// Starts a line with its time (microseconds since 1970 UTC), level and service.
  package init(microseconds: Int64, level: String, service: String) {
    bytes.reserveCapacity(256)
    bytes.append(contentsOf: "ts=\(timestamp(microseconds))".utf8)
    append("level", level)
    append("service", service)
  }

  /// Appends ` key=value`; bytes that no key may have become `_`. Once a field does not fit, it and
  /// all later ones are left out and the line ends with `truncated=true`.
  package mutating func append(_ key: String, _ value: String) {
    guard !isFull else { return }
    let start = bytes.count
    bytes.append(UInt8(ascii: " "))
    for byte in key.utf8.prefix(64) {
      bytes.append(isPlain(byte) ? byte : UInt8(ascii: "_"))
    }
    if key.isEmpty { bytes.append(UInt8(ascii: "_")) }
    bytes.append(UInt8(ascii: "="))
    if !value.isEmpty, value.utf8.count <= Self.maximumValueBytes,
      value.utf8.allSatisfy({ isPlain($0) || isPlainInValue($0) })
    {
      bytes.append(contentsOf: value.utf8)
    } else {
      appendQuoted(value, to: &bytes, limit: Self.maximumValueBytes)
    }
    if bytes.count > Self.maximumBytes - Self.tail.utf8.count - 1 {
      bytes.removeSubrange(start...)
      isFull = true
    }
  }

  /// The line with its line break.
  package consuming func finished() -> [UInt8] {
    if isFull { bytes.append(contentsOf: Self.tail.utf8) }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }
}

private func isPlain(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
    UInt8(ascii: "."):
    true
  default: false
  }
}

private func isPlainInValue(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "@"), UInt8(ascii: "+"),
    UInt8(ascii: ","), UInt8(ascii: "%"), UInt8(ascii: "["), UInt8(ascii: "]"):
    true
  default: false
  }
}

/// An instant in microseconds since 1970 UTC as RFC 3339: `2026-01-31T08:00:00.123456Z`.
package func timestamp(_ microseconds: Int64) -> String {
  func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
  let day: Int64 = 86_400_000_000
  let ofDay = ((microseconds % day) + day) % day
  let days = (microseconds - ofDay) / day
  let seconds = ofDay / 1_000_000
  let time =
    "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
  let date = CalendarDate(daysSinceEpoch: Int(days)).text
  return "\(date)T\(time).\(padded(ofDay % 1_000_000, 6))Z"
}
