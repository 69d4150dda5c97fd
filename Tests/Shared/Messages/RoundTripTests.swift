import GoogleAPI
import Messages
import ShopAPI
import Testing
import TestingAPI

@Suite struct RoundTripTests {
  @Test func `a message of every kind of field survives the wire`() throws {
    let message = FieldKinds.example
    #expect(try FieldKinds(serialized: message.serialized()) == message)
  }

  @Test func `an empty message is no bytes`() throws {
    #expect(try FieldKinds().serialized() == [])
    #expect(try FieldKinds(serialized: []) == FieldKinds())
  }

  @Test(arguments: [
    FieldKinds.Choice.chosenNumber(0), .chosenText(""), .chosenText("t"), .chosenData([]),
    .chosenData([0]), .chosenFlag(false), .chosenColour(.unspecified),
    .chosenColour(.unrecognized(99)), .chosenInner(.init()),
  ])
  func `a oneof keeps its member, also at its default`(choice: FieldKinds.Choice) throws {
    let message = FieldKinds(choice: choice)
    #expect(try FieldKinds(serialized: message.serialized()) == message)
  }

  @Test func `the bytes are those of the protobuf specification`() throws {
    // Field 1, varint 150: the example of the encoding guide.
    #expect(try Older(number: 150).serialized() == [0x08, 0x96, 0x01])
    #expect(
      try Timestamp(seconds: -1).serialized() == [8] + [UInt8](repeating: 255, count: 9) + [1])
    #expect(
      try Newer(text: "ab", older: Older(number: 1)).serialized()
        == [0x12, 2, 0x61, 0x62, 0x22, 2, 8, 1])
  }

  @Test func `maps are written in the order of their keys`() throws {
    let keys = (0..<50).map { "key \($0)" }
    let map = Dictionary(uniqueKeysWithValues: keys.map { ($0, $0) })
    let backwards = Dictionary(uniqueKeysWithValues: keys.reversed().map { ($0, $0) })
    #expect(
      try FieldKinds(textMap: map).serialized() == FieldKinds(textMap: backwards).serialized())
  }

  @Test func `of two map entries with one key the later counts`() throws {
    let entry = { (value: String) in
      Wire.field(29, Wire.field(1, Array("k".utf8)) + Wire.field(2, Array(value.utf8)))
    }
    #expect(try FieldKinds(serialized: entry("a") + entry("b")).textMap == ["k": "b"])
  }

  @Test func `a field that comes twice counts last, a message is merged, a list grows`() throws {
    let first = FieldKinds(text: "a", inner: .init(number: 1, text: "x"), textList: ["1"])
    let second = FieldKinds(text: "b", inner: .init(number: 2), textList: ["2"])
    let merged = try FieldKinds(serialized: first.serialized() + second.serialized())
    #expect(
      merged
        == FieldKinds(text: "b", inner: .init(number: 2, text: "x"), textList: ["1", "2"]))
  }

  @Test func `of two members of a oneof the later counts`() throws {
    let bytes =
      try FieldKinds(choice: .chosenText("a")).serialized()
      + FieldKinds(choice: .chosenInner(.init(number: 3))).serialized()
      + FieldKinds(choice: .chosenNumber(7)).serialized()
    #expect(try FieldKinds(serialized: bytes).choice == .chosenNumber(7))
  }

  @Test func `lists are read packed and unpacked`() throws {
    let packed = Wire.field(19, [1, 2]) + Wire.field(28, [3, 4])
    let unpacked = Wire.tag(19, 0) + [1] + Wire.tag(19, 0) + [2] + Wire.field(28, [3, 4])
    let message = FieldKinds(int32List: [1, 2], unpackedList: [3, 4])
    #expect(try FieldKinds(serialized: packed) == message)
    #expect(try FieldKinds(serialized: unpacked) == message)
  }

  @Test func `unknown fields are skipped`() throws {
    let newer = Newer(number: 5, text: "t", list: [1], older: Older(number: 9))
    #expect(try Older(serialized: newer.serialized()) == Older(number: 5))
  }

  @Test func `a number of more bits than its field is cut, as the specification asks`() throws {
    let bytes = Wire.tag(1, 0) + Wire.varint(0x1_0000_0007)
    #expect(try Older(serialized: bytes).number == 7)
  }

  @Test func `what grows most from memory to the wire fits the room that pack asks for`() throws {
    let message = Growing(
      a: -1, b: -1, c: -1, d: -1, e: -1, f: -1, g: -1, h: -1, i: -1, j: -1, k: -1, l: -1,
      list: [Int32](repeating: -1, count: 100))
    let arena = MessageArena()
    var reserved = 0
    var buffer: [UInt8] = []
    let count = try buffer.packing(message, arena) { reserved = $0 }
    #expect(count <= reserved)
    #expect(try Array(buffer.prefix(count)) == message.serialized())
    #expect(try Growing(serialized: Array(buffer.prefix(count))) == message)
  }

  @Test(
    arguments: [
      nil, .chosenNumber(.min), .chosenText("Zürich"), .chosenData([1, 2]), .chosenFlag(true),
      .chosenColour(.infrared), .chosenInner(FieldKinds.Inner(number: .min)),
    ] as [FieldKinds.Choice?])
  func `every kind of field fits the room that pack asks for`(choice: FieldKinds.Choice?) throws {
    var message = FieldKinds.example
    message.choice = choice
    // Alone as well, where no other field's room is left over.
    for message in [message, FieldKinds(choice: choice)] {
      var reserved = 0
      var buffer: [UInt8] = []
      let count = try buffer.packing(message, MessageArena()) { reserved = $0 }
      #expect(count <= reserved)
      #expect(try Array(buffer.prefix(count)) == message.serialized())
    }
  }

  @Test func `texts of every length are read as they are`() throws {
    for count in 0...40 {
      let text = String(repeating: "a", count: count)
      #expect(try FieldKinds(serialized: Wire.field(16, Array(text.utf8))).text == text)
      for place in 0...count {
        let text = String(repeating: "a", count: place) + "ü" + String(repeating: "b", count: count)
        #expect(try FieldKinds(serialized: Wire.field(16, Array(text.utf8))).text == text)
      }
    }
  }

  @Test func `an arena serves message after message`() throws {
    let arena = MessageArena(firstChunkBytes: 64)
    let small = FieldKinds(text: "x")
    let large = FieldKinds(textList: [String](repeating: "some text of a size", count: 5000))
    for message in [small, large, small, FieldKinds.example, large, small] {
      var buffer: [UInt8] = []
      let count = try buffer.packing(message, arena)
      let bytes = Array(buffer.prefix(count))
      #expect(try FieldKinds(scanned: bytes, arena) == message)
    }
  }

  @Test func `an open enum keeps numbers that it does not know`() {
    #expect(OrderState(rawValue: 1) == .pending)
    #expect(OrderState(rawValue: 1000) == .unrecognized(1000))
    #expect(OrderState.unrecognized(1000).rawValue == 1000)
    #expect(OrderState.pending.protoName == "ORDER_STATE_PENDING")
    #expect(OrderState.unrecognized(1000).protoName == nil)
  }
}
