import CommonAPI
import Messages
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
}
