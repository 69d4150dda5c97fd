private import CSQLite
internal import SQLCore
internal import SharedDomain

/// The texts and bytes that are bound to the running statement, one after the other in memory that
/// is kept for the next statement: SQLite takes no copies of its own.
@safe
final class SQLiteBindings {
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
  private var used = 0

  deinit {
    unsafe buffer.deallocate()
  }

  /// Makes room for the values. What was bound before is gone.
  func clear(for values: [SQLValue]) {
    used = 0
    var needed = 0
    for value in values {
      switch value {
      case .text(let text): needed += text.utf8.count
      case .blob(let blob): needed += blob.count
      case .id: needed += UniqueID.textLength
      case .null, .integer: break
      }
    }
    // Memory for a large value is given back with the next statement.
    let size = max(4096, needed)
    guard unsafe size > buffer.count || buffer.count > max(65536, size) else { return }
    unsafe buffer.deallocate()
    unsafe buffer = .allocate(byteCount: size, alignment: 1)
  }

  /// Binds a text; SQLite's result code. An empty one is not NULL.
  func bind(_ text: String, to index: Int32, of statement: OpaquePointer) -> Int32 {
    var text = text
    let place = text.withUTF8 { bytes in unsafe add(UnsafeRawBufferPointer(bytes)) }
    return unsafe kontor_sqlite3_bind_text(
      statement, index, place.baseAddress, UInt64(place.count))
  }

  /// Binds bytes; SQLite's result code. None at all are not NULL.
  func bind(_ blob: [UInt8], to index: Int32, of statement: OpaquePointer) -> Int32 {
    let place = unsafe blob.withUnsafeBytes { bytes in unsafe add(bytes) }
    return unsafe kontor_sqlite3_bind_blob(
      statement, index, place.baseAddress, UInt64(place.count))
  }

  /// Binds an id's text; SQLite's result code.
  func bind(_ id: UniqueID, to index: Int32, of statement: OpaquePointer) -> Int32 {
    let place = unsafe UnsafeMutableRawBufferPointer(
      rebasing: buffer[used..<used + UniqueID.textLength])
    unsafe id.writeText(to: place)
    used += place.count
    return unsafe kontor_sqlite3_bind_text(
      statement, index, place.baseAddress, UInt64(place.count))
  }

  private func add(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let place = unsafe UnsafeMutableRawBufferPointer(
      rebasing: buffer[used..<used + bytes.count])
    unsafe place.copyMemory(from: bytes)
    used += bytes.count
    return UnsafeRawBufferPointer(place)
  }
}
