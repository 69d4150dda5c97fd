/// Values one after the other, each with its kind and length, so that no two sequences of values
/// have the same bytes: what hash chains are computed over.
package struct CanonicalBytes: Sendable, Hashable {
  package private(set) var bytes: [UInt8] = []

  /// - Parameter purpose: names what is hashed and the version of its encoding.
  package init(_ purpose: String) {
    bytes.reserveCapacity(512)
    append(purpose)
  }

  /// Adds a text, or that there is none.
  package mutating func append(_ text: String?) {
    guard let text else { return bytes.append(0) }
    bytes.append(1)
    appendBigEndian(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// Adds bytes.
  package mutating func append(_ value: [UInt8]) {
    bytes.append(2)
    appendBigEndian(UInt64(value.count))
    bytes += value
  }

  /// Adds a number.
  package mutating func append(_ number: Int64) {
    bytes.append(3)
    appendBigEndian(UInt64(bitPattern: number))
  }

  private mutating func appendBigEndian(_ word: UInt64) {
    withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
  }
}
