/// What generated code copies the members of C structs by. The structs came from scanned bytes:
/// texts are UTF-8.
package enum Unpacked {
  /// The text of a C string; none for a null pointer.
  @unsafe package static func string(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer = unsafe pointer, unsafe pointer.pointee != 0 else { return "" }
    return unsafe String(cString: pointer)
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
  @unsafe package static func values<Value>(
    _ count: Int, _ pointer: UnsafePointer<Value>?
  ) -> [Value] {
    unsafe [Value](UnsafeBufferPointer(start: pointer, count: pointer == nil ? 0 : count))
  }

  /// The messages of an array of pointers to C structs.
  @unsafe package static func messages<Element: Message, Struct>(
    _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>?
  ) -> [Element] {
    unsafe UnsafeBufferPointer(start: pointers, count: pointers == nil ? 0 : count)
      .compactMap { pointer in
        guard let pointer = unsafe pointer else { return nil }
        return unsafe Element(copying: UnsafeRawPointer(pointer))
      }
  }

  /// The message at `pointer`; nil for a null pointer.
  @unsafe package static func message<Value: Message>(_ pointer: UnsafeRawPointer?) -> Value? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe Value(copying: pointer)
  }

  /// The entries of a map; of two with the same key the later one counts.
  @unsafe package static func map<Entry, Key: Hashable, Value>(
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
