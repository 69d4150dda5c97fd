/// Values one after the other, each with its kind and length, so that no two sequences of values
/// have the same bytes: what hash chains are computed over.
package struct CanonicalBytes: Sendable, Hashable {
  package private(set) var bytes: [UInt8] = []

  /// - Parameter purpose: names what is hashed and the version of its encoding.
  package init(_ purpose: String) {
    append(purpose)
  }

  /// Adds a text, or that there is none.
  package mutating func append(_ text: String?) {
    guard let text else { return bytes.append(0) }
    add(1, Array(text.utf8))
  }

  /// Adds bytes.
  package mutating func append(_ value: [UInt8]) {
    add(2, value)
  }

  /// Adds a number.
  package mutating func append(_ number: Int64) {
    bytes.append(3)
    appendBigEndian(UInt64(bitPattern: number))
  }

  private mutating func add(_ kind: UInt8, _ value: [UInt8]) {
    bytes.append(kind)
    appendBigEndian(UInt64(value.count))
    bytes += value
  }

  private mutating func appendBigEndian(_ word: UInt64) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
    }
  }
}
