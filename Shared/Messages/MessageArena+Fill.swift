internal import Glibc

/// What generated code builds C structs from. All memory lives until the arena's next reset, and
/// each throws ``MessageError/Code/tooLarge`` when the arena is full.
extension MessageArena {
  /// `count` bytes aligned to 8, uninitialized.
  ///
  /// `wireBytes` is the most that what is put there takes on the wire, apart from what other
  /// functions of the arena are given.
  @unsafe package func reserve(
    _ count: Int, wireBytes: Int
  ) throws(MessageError) -> UnsafeMutableRawPointer {
    guard let pointer = unsafe memory.pointee.allocate(count, wireBytes: wireBytes) else {
      throw full
    }
    return unsafe pointer
  }

  /// `text` as a C string. `field` is the path that an error names.
  ///
  /// Throws ``MessageError/Code/nulInString`` for a text that a C string would cut.
  @unsafe package func string(
    _ text: String, _ field: StaticString
  ) throws(MessageError) -> UnsafeMutablePointer<CChar>? {
    let source = text.utf8Span.span
    let count = source.count
    let target = try unsafe reserve(count &+ 1, wireBytes: count)
    unsafe target.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
    let start = unsafe target.assumingMemoryBound(to: UInt8.self)
    let hasNUL = unsafe source.withUnsafeBufferPointer { source in
      guard let source = source.baseAddress else { return false }
      unsafe start.update(from: source, count: count)
      // Searched where it was, not where it has just been stored: loads that span several stores
      // wait for them.
      return unsafe memchr(source, 0, count) != nil
    }
    guard !hasNUL else {
      throw MessageError(.nulInString, "\(field) has a NUL character in it")
    }
    return unsafe target.assumingMemoryBound(to: CChar.self)
  }

  /// `texts` as an array of C strings. `field` is the path that an error names.
  @unsafe package func strings(
    _ texts: [String], _ field: StaticString
  ) throws(MessageError) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
    let pointers = try unsafe pointers(texts.count)
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
    let target = try unsafe reserve(bytes.count, wireBytes: bytes.count)
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe target.copyMemory(from: start, byteCount: source.count)
    }
    return unsafe target.bindMemory(to: UInt8.self, capacity: bytes.count)
  }

  /// A copy of `values`, which are numbers.
  @unsafe package func values<Value: BitwiseCopyable>(
    _ values: [Value]
  ) throws(MessageError) -> UnsafeMutablePointer<Value>? {
    let size = values.count * MemoryLayout<Value>.stride
    let target = try unsafe reserve(size, wireBytes: values.count * Self.wireBytesOfNumber)
    unsafe values.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe target.copyMemory(from: start, byteCount: size)
    }
    return unsafe target.bindMemory(to: Value.self, capacity: values.count)
  }

  /// Room for an array of `count` pointers to what has a tag and a length on the wire.
  @unsafe package func pointers(_ count: Int) throws(MessageError) -> UnsafeMutableRawPointer {
    try unsafe reserve(
      count * MemoryLayout<UnsafeRawPointer>.stride, wireBytes: count * Self.wireBytesOfPrefix)
  }

  private var full: MessageError {
    @inline(never) get {
      MessageError(.tooLarge, "the message needs more than \(maximumBytes) bytes of memory")
    }
  }

  /// The most bytes of a tag and a length.
  private static let wireBytesOfPrefix = 10

  /// The most bytes of a tag and a number.
  private static let wireBytesOfNumber = 15
}
