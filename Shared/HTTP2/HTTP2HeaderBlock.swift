internal import Glibc

/// A header list in one piece of memory: names and values as bytes, in their order.
///
/// A class, so that a session can lend one list for every header block that it receives. Not
/// Sendable: confined to the event loop of its connection.
@safe package final class HTTP2HeaderBlock {
  private struct Field {
    var offset: Int
    var nameSize: Int
    var valueSize: Int
  }

  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var size = 0
  private var fields: ContiguousArray<Field> = []

  /// Σ name + value + 32 of everything appended or counted (RFC 9113, 6.5.2).
  package private(set) var listBytes = 0
  /// True when a received list was beyond the limit and its last fields are not here.
  package internal(set) var isOversized = false

  /// True for a list that never changes and outlives every session that sends it, so that its
  /// bytes need no copy.
  let isConstant: Bool

  /// - Parameter constant: fields of a list that is never changed and that its owner keeps for as
  ///   long as any session may send it.
  package convenience init(constant: [(StaticString, StaticString)]) {
    self.init(isConstant: true)
    for (name, value) in constant { append(name, value) }
  }

  package convenience init() { self.init(isConstant: false) }

  private init(isConstant: Bool) {
    self.isConstant = isConstant
    capacity = 512
    unsafe memory = .allocate(capacity: 512)
  }

  deinit { unsafe memory.deallocate() }

  package var count: Int { fields.count }

  /// The name at an index, lent until the list changes.
  package func name(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    let field = fields[index]
    return unsafe UnsafeBufferPointer(start: memory + field.offset, count: field.nameSize)
  }

  /// The value at an index, lent until the list changes.
  package func value(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    let field = fields[index]
    return unsafe UnsafeBufferPointer(
      start: memory + field.offset + field.nameSize, count: field.valueSize)
  }

  /// The first value of a name, for tests and slow paths; bad UTF-8 is repaired.
  package func first(_ name: String) -> String? {
    for index in 0..<count where unsafe self.name(index).elementsEqual(name.utf8) {
      return unsafe String(decoding: value(index), as: UTF8.self)
    }
    return nil
  }

  package func removeAll() {
    size = 0
    listBytes = 0
    isOversized = false
    fields.removeAll(keepingCapacity: true)
    guard capacity > 32 * 1024 else { return }
    unsafe memory.deallocate()
    capacity = 512
    unsafe memory = .allocate(capacity: 512)
  }

  /// Appends a pair of constants.
  package func append(_ name: StaticString, _ value: StaticString) {
    unsafe append(
      name.utf8Start, name.utf8CodeUnitCount, value.utf8Start, value.utf8CodeUnitCount)
  }

  /// Appends a pair of texts; names are lower case.
  package func append(_ name: String, _ value: String) {
    var name = name
    var value = value
    name.withUTF8 { name in
      value.withUTF8 { value in
        unsafe append(name.baseAddress, name.count, value.baseAddress, value.count)
      }
    }
  }

  /// Appends bytes that are lent for the call.
  func append(
    _ name: UnsafePointer<UInt8>?, _ nameSize: Int, _ value: UnsafePointer<UInt8>?,
    _ valueSize: Int
  ) {
    let needed = size + nameSize + valueSize
    if needed > capacity {
      capacity = max(needed, capacity * 2)
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
      unsafe memcpy(larger, memory, size)
      unsafe memory.deallocate()
      unsafe memory = unsafe larger
    }
    if let name = unsafe name { unsafe memcpy(memory + size, name, nameSize) }
    if let value = unsafe value { unsafe memcpy(memory + size + nameSize, value, valueSize) }
    fields.append(Field(offset: size, nameSize: nameSize, valueSize: valueSize))
    size = needed
    countOnly(nameSize, valueSize)
  }

  /// Counts a field that is not kept.
  func countOnly(_ nameSize: Int, _ valueSize: Int) { listBytes += nameSize + valueSize + 32 }
}
