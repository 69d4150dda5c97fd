/// Reads the fields of one protobuf message, as far as descriptors need it.
///
/// Descriptors are messages that contain themselves, which the generator and protobuf-c's limits
/// refuse, and what is needed of them is little.
struct WireReader {
  /// One field.
  struct Field {
    enum Value {
      case number(UInt64)
      case bytes(ArraySlice<UInt8>)
      /// 32 or 64 bits of fixed width; no descriptor field that is read has one.
      case fixed
    }

    let number: Int
    let value: Value
    /// The whole field, tag included.
    let encoded: ArraySlice<UInt8>

    /// The bytes of a text or message, nil for a number.
    var bytes: ArraySlice<UInt8>? {
      if case .bytes(let bytes) = value { bytes } else { nil }
    }

    /// The value as text, nil for a number.
    var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
  }

  private let message: ArraySlice<UInt8>
  private var rest: ArraySlice<UInt8>

  private init(_ message: ArraySlice<UInt8>) {
    self.message = message
    rest = message
  }

  /// Every field, in order.
  ///
  /// - Throws: ``MalformedDescriptor`` where the bytes are no message.
  static func fields(of message: ArraySlice<UInt8>) throws(MalformedDescriptor) -> [Field] {
    var reader = WireReader(message)
    var fields: [Field] = []
    while let field = try reader.next() { fields.append(field) }
    return fields
  }

  private mutating func next() throws(MalformedDescriptor) -> Field? {
    guard !rest.isEmpty else { return nil }
    let start = rest.startIndex
    let tag = try varint()
    let value: Field.Value
    switch tag & 7 {
    case 0: value = .number(try varint())
    case 1: value = try fixed(8)
    case 2: value = .bytes(try take(try varint()))
    case 5: value = try fixed(4)
    default: throw MalformedDescriptor("wire type \(tag & 7)")
    }
    guard let number = Int(exactly: tag >> 3), number > 0 else {
      throw MalformedDescriptor("field number \(tag >> 3)")
    }
    return Field(number: number, value: value, encoded: message[start..<rest.startIndex])
  }

  private mutating func fixed(_ count: UInt64) throws(MalformedDescriptor) -> Field.Value {
    _ = try take(count)
    return .fixed
  }

  private mutating func take(_ count: UInt64) throws(MalformedDescriptor) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else {
      throw MalformedDescriptor("\(count) bytes where \(rest.count) are left")
    }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }

  private mutating func varint() throws(MalformedDescriptor) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw MalformedDescriptor("a number without end") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw MalformedDescriptor("a number of more than ten bytes")
  }
}

/// Bytes that are no file descriptors; the text goes on from "the descriptors hold".
package struct MalformedDescriptor: Error, Sendable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}
