import Messages

extension Message {
  /// Reads `bytes` through `arena`.
  init(
    scanned bytes: [UInt8], _ arena: MessageArena, limits: MessageLimits = .standard
  ) throws(MessageError) {
    self = try bytes.span.withUnsafeBytes { (bytes) throws(MessageError) in
      try Self(scanning: bytes, arena: arena, limits: limits)
    }
  }
}

extension [UInt8] {
  /// Packs `message` into the array, which becomes as long as `pack` asks for plus a margin that
  /// must stay as it is; answers the bytes written.
  mutating func packing(
    _ message: some Message, _ arena: MessageArena, reserved: (Int) -> Void = { _ in }
  ) throws(MessageError) -> Int {
    let margin = 64
    var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    defer { memory.deallocate() }
    let count = try message.pack(arena: arena) { count in
      reserved(count)
      memory = .allocate(byteCount: count + margin, alignment: 1)
      memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
      guard let start = memory.baseAddress else { preconditionFailure("memory has an address") }
      return start
    }
    precondition(memory.suffix(margin).allSatisfy { $0 == 0xA5 }, "pack wrote beyond its room")
    self = [UInt8](memory)
    return count
  }
}
