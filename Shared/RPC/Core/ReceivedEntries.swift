/// Text entries of metadata as bytes, one behind the other in one array: the size of the name in one
/// byte, that of the value in two, then both.
struct ReceivedEntries: Sendable {
  private static let sizeBytes = 3
  /// Room for what a call usually has.
  private static let usualBytes = 224
  /// Room that `removeAll` keeps, at most.
  private static let retainedBytes = 1024

  private var bytes: [UInt8] = []

  var isEmpty: Bool { bytes.isEmpty }

  /// Adds an entry; false when it is too long for one.
  mutating func append(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard name.count <= 0xFF, value.count <= 0xFFFF else { return false }
    if bytes.isEmpty { bytes.reserveCapacity(Self.usualBytes) }
    bytes.append(UInt8(truncatingIfNeeded: name.count))
    bytes.append(UInt8(truncatingIfNeeded: value.count))
    bytes.append(UInt8(truncatingIfNeeded: value.count >> 8))
    unsafe bytes.append(contentsOf: name)
    unsafe bytes.append(contentsOf: value)
    return true
  }

  /// Removes all entries, and keeps some room.
  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= Self.retainedBytes)
  }

  var entries: [Metadata.Entry] {
    var entries: [Metadata.Entry] = []
    forEach { name, value in
      entries.append(Metadata.Entry(name: text(name), value: .text(text(value))))
      return true
    }
    return entries
  }

  /// The first value of a name, or nil.
  func first(_ name: String) -> String? {
    var found: String?
    forEach { candidate, value in
      guard bytes[candidate].elementsEqual(name.utf8) else { return true }
      found = text(value)
      return false
    }
    return found
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// Visits the places of names and values, until `body` returns false.
  private func forEach(_ body: (_ name: Range<Int>, _ value: Range<Int>) -> Bool) {
    var position = 0
    while position < bytes.count {
      let name = position + Self.sizeBytes
      let value = name + Int(bytes[position])
      let end = value + (Int(bytes[position + 1]) | Int(bytes[position + 2]) << 8)
      guard body(name..<value, value..<end) else { return }
      position = end
    }
  }
}
