extension Setting where Value == String {
  /// Text of one line, not empty.
  package static func text(
    _ name: String, _ summary: String, default defaultText: String? = nil
  ) -> Setting {
    Setting(name, summary, form: "text", default: defaultText) { text throws(MalformedValue) in
      try nonEmpty(text)
    }
  }

  /// The path of a file or folder; relative ones start at the working directory.
  package static func path(
    _ name: String, _ summary: String, default defaultText: String? = nil
  ) -> Setting {
    Setting(name, summary, form: "path", default: defaultText) { text throws(MalformedValue) in
      try nonEmpty(text)
    }
  }
}

extension Setting where Value == [String] {
  /// Texts separated by commas; an empty value is an empty list.
  package static func list(
    _ name: String, _ summary: String, default defaultText: String? = nil
  ) -> Setting {
    Setting(name, summary, form: "list, comma-separated", default: defaultText) {
      text throws(MalformedValue) in
      if trimmed(text).isEmpty { return [] }
      var items: [String] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let item = trimmed(part)
        guard !item.isEmpty else { throw MalformedValue("has an empty item") }
        items.append(String(item))
      }
      return items
    }
  }
}

extension Setting where Value == Int {
  /// A whole number in a range.
  package static func number(
    _ name: String, _ summary: String, in range: ClosedRange<Int>,
    default defaultText: String? = nil
  ) -> Setting {
    let form = "number from \(range.lowerBound) to \(range.upperBound)"
    return Setting(name, summary, form: form, default: defaultText) { text throws(MalformedValue) in
      guard let number = Int(text), range.contains(number) else {
        throw MalformedValue("is no whole \(form)")
      }
      return number
    }
  }
}

extension Setting where Value == Bool {
  /// `true` or `false`; the bare flag means `true`.
  package static func flag(
    _ name: String, _ summary: String, default defaultText: String? = "false"
  ) -> Setting {
    Setting(name, summary, form: "true or false", default: defaultText, isSwitch: true) {
      text throws(MalformedValue) in
      switch text {
      case "true": return true
      case "false": return false
      default: throw MalformedValue("is neither true nor false")
      }
    }
  }
}

extension Setting where Value == Duration {
  /// Whole numbers with a unit, largest first: `500ms`, `30s`, `1h30m`, `7d`.
  package static func duration(
    _ name: String, _ summary: String, in range: ClosedRange<Duration>,
    default defaultText: String? = nil
  ) -> Setting {
    let form =
      "duration from \(durationText(range.lowerBound)) to \(durationText(range.upperBound))"
    return Setting(name, summary, form: form, default: defaultText) { text throws(MalformedValue) in
      guard let value = parseDuration(text) else {
        throw MalformedValue("is no duration: write 500ms, 30s, 5m, 1h30m or 7d")
      }
      guard range.contains(value) else { throw MalformedValue("is no \(form)") }
      return value
    }
  }
}

extension Setting where Value == Secret {
  /// The path of a file that holds a secret; one line break at its end does not count.
  package static func secretFile(
    _ name: String, _ summary: String, minimumBytes: Int = 1, default defaultText: String? = nil
  ) -> Setting {
    let form = "path of a file of \(minimumBytes) to \(Secret.maximumBytes) bytes"
    return Setting(name, summary, form: form, default: defaultText) { text throws(MalformedValue) in
      let path = try nonEmpty(text)
      var bytes: [UInt8]
      do throws(ConfigurationError) {
        bytes = try readFile(path, limit: Secret.maximumBytes, describedAs: "file")
      } catch {
        throw MalformedValue("is not usable: \(error.message)")
      }
      if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
      guard bytes.count >= minimumBytes else {
        throw MalformedValue("holds \(bytes.count) bytes, fewer than the \(minimumBytes) needed")
      }
      return Secret(bytes: bytes)
    }
  }
}

/// A secret read from a file. Neither its description nor its reflection shows it.
package struct Secret: Sendable, CustomStringConvertible, CustomReflectable {
  /// The largest file that is read, in bytes.
  package static let maximumBytes = 65_536

  package let bytes: [UInt8]

  package init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  package var description: String { "(secret)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

private func nonEmpty(_ text: String) throws(MalformedValue) -> String {
  guard !text.isEmpty else { throw MalformedValue("is empty") }
  guard !text.unicodeScalars.contains(where: isUnprintable) else {
    throw MalformedValue("has control characters")
  }
  return text
}

private let durationUnits: [(name: String, milliseconds: Int64)] = [
  ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
]

/// A duration of whole milliseconds from `1h30m`, `-2d` or `0s`; nil for anything else.
package func parseDuration(_ text: String) -> Duration? {
  var rest = Substring(text)
  let isNegative = rest.hasPrefix("-")
  if isNegative { rest.removeFirst() }
  var total: Int64 = 0
  var nextUnit = 0
  guard !rest.isEmpty else { return nil }
  while !rest.isEmpty {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest.dropFirst(digits.count)
    let unit = rest.prefix { $0.isASCII && $0.isLetter }
    rest = rest.dropFirst(unit.count)
    guard let count = Int64(digits),
      let place = durationUnits.firstIndex(where: { $0.name == unit }), place >= nextUnit
    else { return nil }
    nextUnit = place + 1
    let (part, overflow) = count.multipliedReportingOverflow(by: durationUnits[place].milliseconds)
    let (sum, sumOverflow) = total.addingReportingOverflow(part)
    guard !overflow, !sumOverflow else { return nil }
    total = sum
  }
  return .milliseconds(isNegative ? -total : total)
}

/// A duration as it is written in a configuration: `1h30m`; parts below a millisecond are left out.
package func durationText(_ duration: Duration) -> String {
  let (seconds, attoseconds) = duration.components
  let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
  guard !overflow else { return "\(seconds)s" }
  let milliseconds = whole + attoseconds / 1_000_000_000_000_000
  var rest = milliseconds.magnitude
  var text = ""
  for (name, size) in durationUnits where rest >= UInt64(size) {
    text += "\(rest / UInt64(size))\(name)"
    rest %= UInt64(size)
  }
  if text.isEmpty { return "0s" }
  return milliseconds < 0 ? "-\(text)" : text
}
