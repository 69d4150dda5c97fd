internal import Glibc

/// What generated code builds C structs from. All memory lives until the arena's next reset, and
/// each throws ``MessageError/Code/tooLarge`` when the arena is full.
extension MessageArena {
  /// `count` bytes aligned to 8, uninitialized.
  @unsafe package func reserve(_ count: Int) throws(MessageError) -> UnsafeMutableRawPointer {
    guard let pointer = unsafe memory.pointee.allocate(count) else {
      throw MessageError(.tooLarge, "the message needs more than \(maximumBytes) bytes of memory")
    }
    return unsafe pointer
  }

  /// `text` as a C string. `field` is the path that an error names.
  ///
  /// Throws ``MessageError/Code/nulInString`` for a text that a C string would cut.
  @unsafe package func string(
    _ text: String, _ field: StaticString
  ) throws(MessageError) -> UnsafeMutablePointer<CChar>? {
    var text = text
    // The closure answers errors as a value: `withUTF8` has no typed throws.
    let result: Result<UnsafeMutableRawPointer, MessageError> = text.withUTF8 { source in
      let count = source.count
      guard let start = source.baseAddress, count > 0 else {
        guard let target = unsafe memory.pointee.allocate(1) else { return unsafe .failure(full) }
        unsafe target.storeBytes(of: 0, as: UInt8.self)
        return unsafe .success(target)
      }
      guard unsafe memchr(start, 0, count) == nil else {
        return unsafe .failure(
          MessageError(.nulInString, "\(field) has a NUL character in it"))
      }
      guard let target = unsafe memory.pointee.allocate(count + 1) else {
        return unsafe .failure(full)
      }
      unsafe target.copyMemory(from: start, byteCount: count)
      unsafe target.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
      return unsafe .success(target)
    }
    return try unsafe result.get().assumingMemoryBound(to: CChar.self)
  }

  /// `texts` as an array of C strings. `field` is the path that an error names.
  @unsafe package func strings(
    _ texts: [String], _ field: StaticString
  ) throws(MessageError) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
    let pointers = try unsafe reserve(texts.count * MemoryLayout<UnsafeRawPointer>.stride)
      .bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: texts.count)
    for index in texts.indices {
      try unsafe (pointers + index).initialize(to: string(texts[index], field))
    }
    return unsafe pointers
  }

  /// A copy of `bytes`.
  @unsafe package func bytes(
    _ bytes: [UInt8]
  ) throws(MessageError) -> UnsafeMutablePointer<UInt8>? {
    try unsafe values(bytes)
  }

  /// A copy of `values`, which are numbers.
  @unsafe package func values<Value: BitwiseCopyable>(
    _ values: [Value]
  ) throws(MessageError) -> UnsafeMutablePointer<Value>? {
    let size = values.count * MemoryLayout<Value>.stride
    let target = try unsafe reserve(size)
    unsafe values.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe target.copyMemory(from: start, byteCount: size)
    }
    return unsafe target.bindMemory(to: Value.self, capacity: values.count)
  }

  /// `messages` as an array of pointers to their C structs.
  @unsafe package func messages<Struct>(
    _ messages: [some Message]
  ) throws(MessageError) -> UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>? {
    let pointers = try unsafe reserve(messages.count * MemoryLayout<UnsafeRawPointer>.stride)
      .bindMemory(to: UnsafeMutablePointer<Struct>?.self, capacity: messages.count)
    for index in messages.indices {
      try unsafe (pointers + index).initialize(
        to: messages[index].fill(self).assumingMemoryBound(to: Struct.self))
    }
    return unsafe pointers
  }

  private var full: MessageError {
    MessageError(.tooLarge, "the message needs more than \(maximumBytes) bytes of memory")
  }
}
