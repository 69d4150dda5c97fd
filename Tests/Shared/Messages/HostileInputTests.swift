import Messages
import Testing
import TestingAPI

/// What a peer can send to hurt: each input is refused, in little time and memory.
@Suite struct HostileInputTests {
  private func code<M: Message>(_ type: M.Type, _ bytes: [UInt8]) -> MessageError.Code? {
    do {
      _ = try M(serialized: bytes)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func `34 KB of nesting do not reach the stack`() {
    // No type recurses, the generator sees to that: below the fifth level this is text.
    let bytes = Wire.nested(10_000)
    #expect(bytes.count > 34_000)
    #expect(code(Level1.self, bytes) == .nulInString)
    // Nor do fields that the type does not have.
    #expect((try? Older(serialized: Wire.field(1000, bytes))) == Older())
  }

  @Test func `messages nested deeper than the limit are refused`() throws {
    let message = Level1(next: Level2(next: Level3(next: Level4(next: Level5(text: "x")))))
    let bytes = try message.serialized()
    #expect(try Level1(serialized: bytes, limits: MessageLimits(maximumDepth: 5)) == message)
    let error = #expect(throws: MessageError.self) {
      try Level1(serialized: bytes, limits: MessageLimits(maximumDepth: 4))
    }
    #expect(error?.code == .tooDeep)
  }

  @Test func `4 MiB of empty messages are too many`() {
    let bytes = [[UInt8]](repeating: Wire.field(27, []), count: (4 << 20) / 3).flatMap { $0 }
    #expect(code(FieldKinds.self, bytes) == .tooManyElements)
  }

  @Test(arguments: [19, 20, 21, 22] as [UInt64])
  func `4 MB of a packed list are too many`(field: UInt64) {
    let bytes = Wire.field(field, [UInt8](repeating: 1, count: 4_000_000))
    #expect(code(FieldKinds.self, bytes) == .tooManyElements)
  }

  @Test(arguments: [0, 1, 2, 5] as [UInt64])
  func `unknown fields count too`(wireType: UInt64) {
    let value: [UInt8] =
      [0: [0], 1: [UInt8](repeating: 0, count: 8), 2: [0]][wireType]
      ?? [UInt8](repeating: 0, count: 4)
    let one = Wire.tag(1000, wireType) + value
    let bytes = [[UInt8]](repeating: one, count: 100_001).flatMap { $0 }
    #expect(code(Older.self, bytes) == .tooManyElements)
  }

  @Test func `more bytes than the limit are refused unread`() {
    #expect(code(Older.self, [UInt8](repeating: 0xFF, count: (4 << 20) + 1)) == .tooLarge)
  }

  @Test func `an arena at its cap refuses, and serves the next message`() throws {
    let arena = MessageArena(firstChunkBytes: 1024, maximumBytes: 8192)
    let large = FieldKinds(innerList: [FieldKinds.Inner](repeating: .init(number: 1), count: 1000))
    let bytes = try large.serialized()
    let reading = #expect(throws: MessageError.self) { try FieldKinds(scanned: bytes, arena) }
    #expect(reading?.code == .tooLarge)
    var buffer: [UInt8] = []
    let writing = #expect(throws: MessageError.self) { try buffer.packing(large, arena) }
    #expect(writing?.code == .tooLarge)
    #expect(try FieldKinds(scanned: Wire.field(16, [0x61]), arena) == FieldKinds(text: "a"))
  }

  @Test(
    arguments: [
      [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xFF], [0xE2, 0x82],
      [0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func `a text that is not UTF-8 is refused, in every place`(text: [UInt8]) {
    #expect(code(FieldKinds.self, Wire.field(16, text)) == .invalidUTF8)
    #expect(code(FieldKinds.self, Wire.field(25, text)) == .invalidUTF8)
    #expect(code(FieldKinds.self, Wire.field(34, text)) == .invalidUTF8)
    #expect(code(FieldKinds.self, Wire.field(18, Wire.field(2, text))) == .invalidUTF8)
    #expect(code(FieldKinds.self, Wire.field(29, Wire.field(1, text))) == .invalidUTF8)
  }

  @Test func `one wrong byte is found in a text of any length, in any place`() {
    for count in 1...40 {
      for place in 0..<count {
        var text = [UInt8](repeating: 0x7F, count: count)
        text[place] = 0
        #expect(code(FieldKinds.self, Wire.field(16, text)) == .nulInString)
        text[place] = 0x80
        #expect(code(FieldKinds.self, Wire.field(16, text)) == .invalidUTF8)
      }
    }
  }

  @Test func `numbers of up to ten bytes are read, wherever the message ends`() throws {
    for bits in 0..<64 {
      let number = Wire.varint(1 << UInt64(bits))
      // Last in the message, and with bytes behind it.
      for rest in [[], Wire.field(1000, [UInt8](repeating: 0xFF, count: 10))] {
        let read = try FieldKinds(serialized: Wire.tag(4, 0) + number + rest)
        #expect(read.uint64Value == 1 << UInt64(bits))
      }
    }
  }

  @Test func `the error names the field`() {
    let error = #expect(throws: MessageError.self) {
      try FieldKinds(serialized: Wire.field(18, Wire.field(2, [0xFF])))
    }
    #expect(error?.message.contains("kontor.testing.v1.FieldKinds.Inner.text") == true)
  }

  @Test func `a NUL in a text is refused on the way in and on the way out`() {
    #expect(code(FieldKinds.self, Wire.field(16, [0x61, 0, 0x62])) == .nulInString)
    for message in [
      FieldKinds(text: "a\0b"), FieldKinds(textList: ["", "\0"]),
      FieldKinds(textMap: ["k\0": ""]), FieldKinds(choice: .chosenText("\0")),
      FieldKinds(inner: .init(text: "\0")),
    ] {
      let error = #expect(throws: MessageError.self) { try message.serialized() }
      #expect(error?.code == .nulInString)
    }
  }

  @Test(
    arguments: [
      // Varints cut short, of eleven bytes, in tag, length and value.
      [0x08], [0x08, 0x80], [0x80], [0x82],
      [0x08] + [UInt8](repeating: 0x80, count: 10) + [0],
      [0x88, 0x80, 0x80, 0x80, 0x80, 0x00], [0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00],
      Wire.tag(16, 2) + [UInt8](repeating: 0xFF, count: 9) + [0x01],
      Wire.tag(16, 2) + [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
      // Lengths beyond the end.
      Wire.tag(16, 2) + Wire.varint(1), Wire.tag(16, 2) + Wire.varint(0xFFFF_FFFF),
      Wire.tag(16, 2) + Wire.varint(0x7FFF_FFFF) + [0],
      Wire.tag(16, 2) + Wire.varint(UInt64.max), Wire.tag(1000, 2) + Wire.varint(5) + [0],
      // A message whose fields reach beyond it.
      Wire.field(18, Wire.tag(2, 2) + [3]) + [0x61, 0x61, 0x61],
      // Fixed values cut short.
      Wire.tag(10, 5) + [0, 0, 0], Wire.tag(11, 1) + [0, 0, 0, 0, 0, 0, 0],
      Wire.tag(1000, 5) + [0], Wire.tag(1000, 1) + [0],
      // Packed lists cut short.
      Wire.field(23, [0, 0, 0, 0, 0]), Wire.field(24, [0]), Wire.field(19, [0x80]),
      // Groups, unknown wire types, field number 0.
      Wire.tag(16, 3) + Wire.tag(16, 4), Wire.tag(16, 4), Wire.tag(1000, 3) + Wire.tag(1000, 4),
      Wire.tag(1, 6), Wire.tag(1, 7), Wire.tag(0, 0) + [0], [0x00],
      // Wrong wire types.
      Wire.tag(16, 0) + [0], Wire.tag(1, 5) + [0, 0, 0, 0], Wire.tag(1, 2) + [1, 0],
      Wire.tag(18, 0) + [0], Wire.tag(10, 0) + [0], Wire.tag(11, 5) + [0, 0, 0, 0],
      Wire.tag(25, 0) + [0], Wire.tag(19, 5) + [0, 0, 0, 0], Wire.tag(23, 0) + [0],
    ] as [[UInt8]])
  func `bytes that are not the wire format are malformed`(bytes: [UInt8]) {
    #expect(code(FieldKinds.self, bytes) == .malformed)
  }
}
