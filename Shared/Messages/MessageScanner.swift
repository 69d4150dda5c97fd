private import CProtobufC
internal import Glibc

extension MessageDescriptor {
  /// Walks `bytes` as a message of this type before protobuf-c sees them, and throws for what it
  /// would do badly or not at all: depth, amplification, UTF-8, NUL in texts.
  ///
  /// Accepts no more than protobuf-c does otherwise: wrong wire types and groups fail.
  func scan(_ bytes: UnsafeRawBufferPointer, limits: MessageLimits) throws(MessageError) {
    guard bytes.count <= limits.maximumBytes else {
      throw MessageError(
        .tooLarge,
        "\(name) has \(bytes.count) bytes; \(limits.maximumBytes) are accepted")
    }
    guard let start = bytes.baseAddress else { return }
    var scanner = unsafe MessageScanner(
      cursor: start.assumingMemoryBound(to: UInt8.self), limits: limits)
    let end = unsafe scanner.cursor + bytes.count
    try unsafe scanner.scan(
      pointer.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), to: end, depth: 1)
  }
}

/// The position of a scan, and what is left of the budget.
@safe private struct MessageScanner {
  var cursor: UnsafePointer<UInt8>
  let limits: MessageLimits
  var elementsLeft: Int

  init(cursor: UnsafePointer<UInt8>, limits: MessageLimits) {
    unsafe self.cursor = unsafe cursor
    self.limits = limits
    elementsLeft = limits.maximumElements
  }

  /// Scans the fields of one message from the cursor to `end`.
  mutating func scan(
    _ message: UnsafePointer<ProtobufCMessageDescriptor>, to end: UnsafePointer<UInt8>, depth: Int
  ) throws(MessageError) {
    guard depth <= limits.maximumDepth else {
      throw MessageError(
        .tooDeep, "messages are nested deeper than \(limits.maximumDepth) levels")
    }
    var guess: UInt32 = 0
    while unsafe cursor < end {
      let tag = try unsafe readTag(to: end, in: message)
      try claim(1)
      let number = tag >> 3
      let wireType = tag & 7
      if let field = unsafe Self.field(number, of: message, guess: &guess) {
        try unsafe scan(field, wireType, to: end, in: message, depth: depth)
      } else {
        try unsafe skip(wireType, to: end, in: message)
      }
    }
  }

  /// The descriptor of the field with `number`; nil when the type has none.
  ///
  /// Fields are sorted by number and mostly sent in that order, so the field after the last one,
  /// at `guess`, is tried before the search.
  private static func field(
    _ number: UInt32, of message: UnsafePointer<ProtobufCMessageDescriptor>, guess: inout UInt32
  ) -> UnsafePointer<ProtobufCFieldDescriptor>? {
    guard let fields = unsafe message.pointee.fields else { return nil }
    let count = unsafe message.pointee.n_fields
    if guess < count, unsafe fields[Int(guess)].id == number {
      let field = unsafe fields + Int(guess)
      guess += 1
      return unsafe field
    }
    var low: UInt32 = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      let candidate = unsafe fields[Int(middle)].id
      if candidate == number {
        guess = middle + 1
        return unsafe fields + Int(middle)
      }
      if candidate < number { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// Scans the value of a known field.
  private mutating func scan(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ wireType: UInt32,
    to end: UnsafePointer<UInt8>, in message: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
  ) throws(MessageError) {
    let type = unsafe field.pointee.type
    let expected = Self.wireType(of: type)
    if wireType != expected {
      guard wireType == WireType.lengthPrefixed,
        unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED
      else {
        throw unsafe Self.malformed(field, message, "has the wrong wire type \(wireType)")
      }
      try unsafe scanPacked(field, expected, to: end, in: message)
      return
    }
    guard expected == WireType.lengthPrefixed else {
      try unsafe skip(wireType, to: end, in: message)
      return
    }
    let count = try unsafe readLength(to: end, in: message)
    let valueEnd = unsafe cursor + count
    switch type {
    case PROTOBUF_C_TYPE_MESSAGE:
      guard let nested = unsafe field.pointee.descriptor else {
        throw unsafe Self.malformed(field, message, "has no type")
      }
      try unsafe scan(
        nested.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), to: valueEnd,
        depth: depth + 1)
    case PROTOBUF_C_TYPE_STRING:
      try unsafe scanText(field, count, in: message)
    default:
      break
    }
    unsafe cursor = unsafe valueEnd
  }

  /// Checks that the `count` bytes at the cursor are UTF-8 without NUL.
  private func scanText(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ count: Int,
    in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) {
    guard count > 0 else { return }
    guard unsafe memchr(cursor, 0, count) == nil else {
      throw unsafe MessageError(
        .nulInString, "\(Self.path(field, message)) has a NUL character in it",
        field: Self.path(field, message))
    }
    do {
      _ = try unsafe UTF8Span(validating: UnsafeBufferPointer(start: cursor, count: count).span)
    } catch {
      throw unsafe MessageError(
        .invalidUTF8,
        "\(Self.path(field, message)) is not UTF-8 at byte \(error.byteOffsets.lowerBound)",
        field: Self.path(field, message))
    }
  }

  /// Scans a list of numbers sent as one value, counting its elements.
  private mutating func scanPacked(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ wireType: UInt32,
    to end: UnsafePointer<UInt8>, in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) {
    let count = try unsafe readLength(to: end, in: message)
    let valueEnd = unsafe cursor + count
    switch wireType {
    case WireType.fixed32, WireType.fixed64:
      let size = wireType == WireType.fixed32 ? 4 : 8
      guard count % size == 0 else {
        throw unsafe Self.malformed(field, message, "has a packed list cut short")
      }
      try claim(count / size)
    default:
      while unsafe cursor < valueEnd {
        try unsafe skipVarint(to: valueEnd, in: message)
        try claim(1)
      }
    }
    unsafe cursor = unsafe valueEnd
  }

  /// Passes over one value of `wireType`.
  private mutating func skip(
    _ wireType: UInt32, to end: UnsafePointer<UInt8>,
    in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) {
    switch wireType {
    case WireType.varint:
      try unsafe skipVarint(to: end, in: message)
    case WireType.fixed64:
      try unsafe advance(8, to: end, in: message)
    case WireType.fixed32:
      try unsafe advance(4, to: end, in: message)
    case WireType.lengthPrefixed:
      unsafe cursor = try unsafe readLength(to: end, in: message) + cursor
    case WireType.groupStart, WireType.groupEnd:
      throw unsafe Self.malformed(message, "has a group, which is not supported")
    default:
      throw unsafe Self.malformed(message, "has the unknown wire type \(wireType)")
    }
  }

  private mutating func advance(
    _ count: Int, to end: UnsafePointer<UInt8>,
    in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) {
    guard unsafe end - cursor >= count else { throw unsafe Self.truncated(message) }
    unsafe cursor += count
  }

  private mutating func skipVarint(
    to end: UnsafePointer<UInt8>, in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) {
    for _ in 0..<10 {
      guard unsafe cursor < end else { throw unsafe Self.truncated(message) }
      let byte = unsafe cursor.pointee
      unsafe cursor += 1
      if byte < 0x80 { return }
    }
    throw unsafe Self.malformed(message, "has a number of more than ten bytes")
  }

  /// A number of at most 32 bits in at most five bytes, as tags and lengths are.
  private mutating func readUInt32(
    to end: UnsafePointer<UInt8>, in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) -> UInt32 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 28, by: 7) {
      guard unsafe cursor < end else { throw unsafe Self.truncated(message) }
      let byte = unsafe cursor.pointee
      unsafe cursor += 1
      value |= UInt64(byte & 0x7F) &<< shift
      guard byte >= 0x80 else {
        guard let number = UInt32(exactly: value) else { break }
        return number
      }
    }
    throw unsafe Self.malformed(message, "has a tag or a length of more than 32 bits")
  }

  private mutating func readTag(
    to end: UnsafePointer<UInt8>, in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) -> UInt32 {
    let tag = try unsafe readUInt32(to: end, in: message)
    guard tag >= 8 else { throw unsafe Self.malformed(message, "has the field number 0") }
    return tag
  }

  /// The length of a value, which lies before `end`.
  private mutating func readLength(
    to end: UnsafePointer<UInt8>, in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) -> Int {
    let count = Int(try unsafe readUInt32(to: end, in: message))
    guard unsafe count <= end - cursor else { throw unsafe Self.truncated(message) }
    return count
  }

  private mutating func claim(_ count: Int) throws(MessageError) {
    guard count <= elementsLeft else {
      throw MessageError(
        .tooManyElements, "the message has more than \(limits.maximumElements) values")
    }
    elementsLeft -= count
  }

  /// The wire type of one value of `type`.
  private static func wireType(of type: ProtobufCType) -> UInt32 {
    switch type {
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE:
      WireType.lengthPrefixed
    case PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT:
      WireType.fixed32
    case PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE:
      WireType.fixed64
    default:
      WireType.varint
    }
  }

  private static func path(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>,
    _ message: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> String {
    unsafe "\(String(cString: message.pointee.name)).\(String(cString: field.pointee.name))"
  }

  private static func malformed(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>,
    _ message: UnsafePointer<ProtobufCMessageDescriptor>, _ text: String
  ) -> MessageError {
    unsafe MessageError(.malformed, "\(path(field, message)) \(text)")
  }

  private static func malformed(
    _ message: UnsafePointer<ProtobufCMessageDescriptor>, _ text: String
  ) -> MessageError {
    unsafe MessageError(.malformed, "\(String(cString: message.pointee.name)) \(text)")
  }

  private static func truncated(
    _ message: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> MessageError {
    unsafe malformed(message, "is cut short")
  }
}

/// Wire types (protobuf encoding, "Message Structure").
private enum WireType {
  static let varint: UInt32 = 0
  static let fixed64: UInt32 = 1
  static let lengthPrefixed: UInt32 = 2
  static let groupStart: UInt32 = 3
  static let groupEnd: UInt32 = 4
  static let fixed32: UInt32 = 5
}
