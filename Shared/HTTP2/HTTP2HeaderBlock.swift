internal import CNGHTTP2
internal import Glibc

/// A header list in one piece of memory: names and values as bytes, in their order.
///
/// A class, so that a session can lend one list for every header block that it receives. Not
/// Sendable: confined to the event loop of its connection.
@safe @usableFromInline package final class HTTP2HeaderBlock {
  @usableFromInline struct Field {
    @usableFromInline var offset: Int
    @usableFromInline var nameSize: Int
    @usableFromInline var valueSize: Int
  }

  @usableFromInline private(set) var memory: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var size = 0
  /// The fields' places; raw, as it is written for every field of every call.
  @usableFromInline private(set) var fields: UnsafeMutablePointer<Field>
  private var fieldCapacity = 16
  @usableFromInline package private(set) var count = 0

  /// Σ name + value + 32 of everything appended or counted (RFC 9113, 6.5.2).
  package private(set) var listBytes = 0
  /// True when a received list was beyond the limit and its last fields are not here.
  package internal(set) var isOversized = false

  /// A constant list in nghttp2's form, which refers to its bytes; nil for other lists.
  private(set) var constantFields: UnsafeMutablePointer<nghttp2_nv>?

  /// - Parameter constant: fields of a list that is never changed and that its owner keeps for as
  ///   long as any session may send it.
  package convenience init(constant: [(StaticString, StaticString)]) {
    self.init()
    for (name, value) in constant { append(name, value) }
    let flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
    let fields = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: count)
    for index in 0..<count {
      unsafe (fields + index).initialize(to: field(index, flags: UInt8(truncatingIfNeeded: flags)))
    }
    unsafe constantFields = unsafe fields
  }

  package init() {
    capacity = 512
    unsafe memory = .allocate(capacity: 512)
    unsafe fields = .allocate(capacity: fieldCapacity)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe fields.deallocate()
    unsafe constantFields?.deallocate()
  }

  /// A field in nghttp2's form, valid until the list changes.
  func field(_ index: Int, flags: UInt8 = 0) -> nghttp2_nv {
    let name = unsafe name(index)
    let value = unsafe value(index)
    return unsafe nghttp2_nv(
      name: UnsafeMutablePointer(mutating: name.baseAddress),
      value: UnsafeMutablePointer(mutating: value.baseAddress), namelen: name.count,
      valuelen: value.count, flags: flags)
  }

  /// The name at an index, lent until the list changes.
  @inlinable package func name(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    precondition(index >= 0 && index < count, "a field of the list")
    let field = unsafe fields[index]
    return unsafe UnsafeBufferPointer(start: memory + field.offset, count: field.nameSize)
  }

  /// The value at an index, lent until the list changes.
  @inlinable package func value(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    precondition(index >= 0 && index < count, "a field of the list")
    let field = unsafe fields[index]
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
    count = 0
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
    if needed > capacity { grow(to: needed) }
    if let name = unsafe name { unsafe memcpy(memory + size, name, nameSize) }
    if let value = unsafe value { unsafe memcpy(memory + size + nameSize, value, valueSize) }
    if count == fieldCapacity { growFields() }
    unsafe (fields + count).initialize(
      to: Field(offset: size, nameSize: nameSize, valueSize: valueSize))
    count += 1
    size = needed
    countOnly(nameSize, valueSize)
  }

  private func grow(to needed: Int) {
    capacity = max(needed, capacity * 2)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    unsafe memcpy(larger, memory, size)
    unsafe memory.deallocate()
    unsafe memory = unsafe larger
  }

  private func growFields() {
    let larger = UnsafeMutablePointer<Field>.allocate(capacity: fieldCapacity * 2)
    unsafe larger.moveInitialize(from: fields, count: count)
    unsafe fields.deallocate()
    unsafe fields = unsafe larger
    fieldCapacity *= 2
  }

  /// Counts a field that is not kept.
  func countOnly(_ nameSize: Int, _ valueSize: Int) { listBytes += nameSize + valueSize + 32 }
}
