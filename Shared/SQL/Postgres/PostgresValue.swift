internal import SQLCore
internal import SharedDomain

/// The binary forms of values, by the type's OID (`pg_type.dat`).
enum PostgresValue {
  static let bytea: UInt32 = 17
  static let bigint: UInt32 = 20
  static let text: UInt32 = 25

  /// The type that a parameter is declared with; 0 leaves it to the server.
  static func type(of value: SQLValue) -> UInt32 {
    switch value {
    case .null: 0
    case .integer: bigint
    case .text, .id: text
    case .blob: bytea
    }
  }

  /// Adds the value's bytes; nothing for NULL.
  static func encode(_ value: SQLValue, into bytes: inout [UInt8]) {
    switch value {
    case .null: break
    case .integer(let number):
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> Int64(shift)))
      }
    case .text(let text): bytes.append(contentsOf: text.utf8)
    case .blob(let blob): bytes.append(contentsOf: blob)
    case .id(let id): bytes.append(contentsOf: id.text.utf8)
    }
  }

  /// The value of a column that is not NULL. Types that have no `SQLValue` are cast in the
  /// statement.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, type: UInt32, column: String
  ) throws(SQLError) -> SQLValue {
    switch type {
    case bigint, 21, 23, 16:  // bigint, smallint, integer, boolean
      return unsafe .integer(integer(bytes))
    case 26:  // oid
      return unsafe .integer(integer(bytes) & 0xFFFF_FFFF)
    case 1700:  // numeric, the type of sum(bigint)
      guard let number = unsafe numeric(bytes) else {
        throw SQLError(
          .unexpectedValue, "column \(column) holds a numeric that is no 64-bit whole number")
      }
      return .integer(number)
    case text, 19, 114, 705, 1042, 1043:  // text, name, json, unknown, char(n), varchar(n)
      guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
        throw SQLError(.unexpectedValue, "column \(column) holds text not in UTF-8")
      }
      return .text(text)
    case bytea:
      return unsafe .blob(Array(bytes))
    case 2278:  // void
      return .null
    default:
      throw SQLError(
        .unexpectedValue,
        "column \(column) has a type (OID \(type)) that must be cast to bigint, text or bytea")
    }
  }

  /// A signed number of up to 8 bytes, most significant first.
  private static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64 {
    guard let first = unsafe bytes.first else { return 0 }
    // A boolean is 0 or 1, so its sign is never extended.
    var value: Int64 = first >= 0x80 ? -1 : 0
    for index in 0..<bytes.count { value = unsafe value << 8 | Int64(bytes[index]) }
    return value
  }

  /// A whole number: its digits to the base 10,000, behind their count, the first one's exponent,
  /// the sign and the scale, of two bytes each (`numeric_send`).
  static func numeric(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    let words = stride(from: 0, to: bytes.count - 1, by: 2).map { index in
      unsafe Int64(bytes[index]) << 8 | Int64(bytes[index + 1])
    }
    guard words.count >= 4, words.count == Int(words[0]) + 4 else { return nil }
    guard words[2] == 0 || words[2] == 0x4000 else { return nil }
    let exponent = Int(Int16(truncatingIfNeeded: words[1]))
    let digits = words.dropFirst(4)
    guard exponent < 5 else { return nil }
    // What stands behind the point has to be zero.
    guard digits.dropFirst(max(exponent + 1, 0)).allSatisfy({ $0 == 0 }) else { return nil }
    // Counted downwards: there is one more negative number.
    var value: Int64 = 0
    for position in stride(from: 0, through: exponent, by: 1) {
      let digit = position < digits.count ? digits[digits.startIndex + position] : 0
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10_000)
      let (next, isTooSmall) = product.subtractingReportingOverflow(digit)
      if isTooLarge || isTooSmall { return nil }
      value = next
    }
    if words[2] == 0x4000 { return value }
    return value == .min ? nil : -value
  }
}
