/// The page that a list request asks for (AIP-158): how many rows, and after which.
///
/// A token holds the sort key of the last row of the page before and the filter that it belongs
/// to. It grants nothing: every query is bound to the caller's organization besides.
package struct Page: Sendable, Hashable {
  /// The number of rows to answer; ask storage for one more to learn whether a page follows.
  package let limit: Int
  /// The sort key of the last row of the page before; nil on the first page.
  package let after: [String]?
  private let filter: [String]

  /// Reads `page_size` (0 to `maximum`; 0 means 50, or the maximum where that is less) and
  /// `page_token`. `filter` is every field of the request that selects rows.
  package init(
    size: Int32, token: String, filter: [String], maximum: Int = 100,
    keyCount: Int, _ checks: inout FieldChecks
  ) {
    self.filter = filter
    let usual = min(50, maximum)
    if size < 0 || size > maximum {
      checks.fail("page_size", "is \(size); expected 0 to \(maximum)")
      limit = usual
    } else {
      limit = size == 0 ? usual : Int(size)
    }
    if token.isEmpty {
      after = nil
    } else if let parts = PageToken.decode(token), parts.count == filter.count + keyCount,
      Array(parts.prefix(filter.count)) == filter
    {
      after = Array(parts.dropFirst(filter.count))
    } else {
      checks.fail("page_token", Self.notAToken)
      after = nil
    }
  }

  /// What `read` makes of `after`; nil on the first page. A key that it cannot read is noted as
  /// wrong.
  package func key<Key>(_ checks: inout FieldChecks, _ read: ([String]) -> Key?) -> Key? {
    guard let after else { return nil }
    guard let key = read(after) else {
      checks.fail("page_token", Self.notAToken)
      return nil
    }
    return key
  }

  /// The rows to show of up to `limit` + 1 that were read, and the token of the page behind them;
  /// empty on the last page.
  package func cut<Row>(_ rows: [Row], key: (Row) -> [String]) -> (ArraySlice<Row>, String) {
    let shown = rows.prefix(limit)
    guard rows.count > limit, let last = shown.last else { return (shown, "") }
    return (shown, nextToken(after: key(last)))
  }

  /// The token of the page after the row with this sort key.
  package func nextToken(after key: [String]) -> String {
    PageToken.encode(filter + key)
  }

  private static let notAToken = "is not a token of this list with this filter"
}

/// A list of texts as one opaque word.
enum PageToken {
  /// Tokens longer than this are refused unread.
  static let maximumLength = 2048

  static func encode(_ parts: [String]) -> String {
    var bytes: [UInt8] = []
    for part in parts {
      for byte in part.utf8 {
        if byte == 0x00 || byte == 0x01 { bytes.append(0x01) }
        bytes.append(byte)
      }
      bytes.append(0x00)
    }
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }

  static func decode(_ token: String) -> [String]? {
    guard token.utf8.count <= maximumLength, token.utf8.count.isMultiple(of: 2) else { return nil }
    var nibbles: [UInt8] = []
    for byte in token.utf8 {
      switch byte {
      case 0x30...0x39: nibbles.append(byte - 0x30)
      case 0x61...0x66: nibbles.append(byte - 0x61 + 10)
      default: return nil
      }
    }
    var parts: [String] = []
    var part: [UInt8] = []
    var escaped = false
    for index in stride(from: 0, to: nibbles.count, by: 2) {
      let byte = nibbles[index] << 4 | nibbles[index + 1]
      if escaped {
        part.append(byte)
        escaped = false
      } else if byte == 0x01 {
        escaped = true
      } else if byte == 0x00 {
        guard let text = String(validating: part, as: UTF8.self) else { return nil }
        parts.append(text)
        part = []
      } else {
        part.append(byte)
      }
    }
    return part.isEmpty && !escaped ? parts : nil
  }
}
