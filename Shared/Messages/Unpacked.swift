internal import Glibc

/// What generated code copies the members of C structs by. The structs came from scanned bytes:
/// texts are UTF-8.
///
/// What is generic is public, since only that is compiled for the types of another module.
public enum Unpacked {
  /// The text of a C string; none for a null pointer.
  @unsafe package static func string(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer = unsafe pointer, unsafe pointer.pointee != 0 else { return "" }
    let count = unsafe strlen(pointer)
    let bytes = unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self)
    // The scan has validated the text.
    return unsafe String(
      copying: UTF8Span(
        unchecked: UnsafeBufferPointer(start: bytes, count: count).span,
        isKnownASCII: Text.isASCII(bytes, count)))
  }

  /// The texts of an array of C strings.
  @unsafe package static func strings(
    _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
  ) -> [String] {
    unsafe UnsafeBufferPointer(start: pointers, count: pointers == nil ? 0 : count)
      .map { unsafe string($0) }
  }

  /// The bytes at `pointer`.
  @unsafe package static func bytes(_ count: Int, _ pointer: UnsafePointer<UInt8>?) -> [UInt8] {
    unsafe [UInt8](UnsafeBufferPointer(start: pointer, count: pointer == nil ? 0 : count))
  }

  /// The numbers at `pointer`.
  @inlinable @unsafe public static func values<Value>(
    _ count: Int, _ pointer: UnsafePointer<Value>?
  ) -> [Value] {
    unsafe [Value](UnsafeBufferPointer(start: pointer, count: pointer == nil ? 0 : count))
  }

  /// The messages of an array of pointers to C structs, of which `copy` makes one in
  /// its place.
  @inlinable @unsafe public static func messages<Element, Struct>(
    _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>?,
    _ copy: (UnsafeMutablePointer<Struct>, UnsafeMutablePointer<Element>) -> Void
  ) -> [Element] {
    guard let pointers = unsafe pointers else { return [] }
    return unsafe [Element](unsafeUninitializedCapacity: count) { elements, initializedCount in
      guard let start = elements.baseAddress else { return }
      for index in 0..<count {
        guard let pointer = unsafe pointers[index] else { continue }
        unsafe copy(pointer, start + initializedCount)
        initializedCount &+= 1
      }
    }
  }

  /// The entries of a map; of two with the same key the later one counts.
  @inlinable @unsafe public static func map<Entry, Key: Hashable, Value>(
    _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?,
    _ entry: (UnsafeMutablePointer<Entry>) -> (Key, Value)
  ) -> [Key: Value] {
    var map: [Key: Value] = [:]
    let entries = unsafe UnsafeBufferPointer(start: pointers, count: pointers == nil ? 0 : count)
    for index in 0..<entries.count {
      guard let pointer = unsafe entries[index] else { continue }
      let (key, value) = unsafe entry(pointer)
      map[key] = value
    }
    return map
  }
}
