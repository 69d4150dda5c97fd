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
    var scanner = MessageScanner(limits: limits)
    let cursor = unsafe WireCursor(
      position: start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    try unsafe scanner.scan(
      pointer.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), cursor, depth: 1)
  }
}

/// What is left of a scan's budget.
///
/// Each value has a cursor of its own, which stays in registers. Errors are made out of line, so
/// that the way of good messages stays short.
private struct MessageScanner {
  let limits: MessageLimits
  var elementsLeft: Int

  init(limits: MessageLimits) {
    self.limits = limits
    elementsLeft = limits.maximumElements
  }

  /// Scans all fields of one message, whose bytes are those of `cursor`.
  mutating func scan(
    _ message: UnsafePointer<ProtobufCMessageDescriptor>, _ cursor: WireCursor, depth: Int
  ) throws(MessageError) {
    guard depth <= limits.maximumDepth else { throw tooDeep }
    var cursor = cursor
    var fields = unsafe KnownFields(of: message)
    while !cursor.isAtEnd {
      guard let tag = cursor.readUInt32() else { throw unsafe Self.wrong(cursor, message) }
      guard tag >= 8 else { throw unsafe Self.malformed(message, "has the field number 0") }
      try claim(1)
      if let field = unsafe fields.find(tag >> 3) {
        try unsafe scan(field, tag & 7, &cursor, in: message, depth: depth)
      } else {
        try unsafe skip(tag & 7, &cursor, in: message)
      }
    }
  }

  /// Scans the value of a known field.
  @inline(__always)
  private mutating func scan(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ wireType: UInt32,
    _ cursor: inout WireCursor, in message: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
  ) throws(MessageError) {
    let type = unsafe field.pointee.type
    let expected = WireType.ofValue(type)
    guard wireType == expected else {
      cursor = try unsafe scanPacked(field, wireType, expected, cursor, in: message)
      return
    }
    guard expected == WireType.lengthPrefixed else {
      return try unsafe skip(wireType, &cursor, in: message)
    }
    guard let value = cursor.readValue() else { throw unsafe Self.wrong(cursor, message) }
    switch type {
    case PROTOBUF_C_TYPE_MESSAGE:
      guard let nested = unsafe field.pointee.descriptor else {
        throw unsafe Self.malformed(field, message, "has no type")
      }
      try unsafe scan(
        nested.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), value, depth: depth + 1)
    case PROTOBUF_C_TYPE_STRING:
      if unsafe !Text.isPlain(value.position, value.count) {
        try unsafe Self.scanText(field, value, in: message)
      }
    default:
      break
    }
  }

  /// Checks that a value is UTF-8 without NUL.
  private static func scanText(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ value: WireCursor,
    in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) {
    guard unsafe memchr(value.position, 0, value.count) == nil else {
      throw unsafe MessageError(
        .nulInString, "\(path(field, message)) has a NUL character in it",
        field: path(field, message))
    }
    do {
      _ = try unsafe UTF8Span(
        validating: UnsafeBufferPointer(start: value.position, count: value.count).span)
    } catch {
      throw unsafe MessageError(
        .invalidUTF8,
        "\(path(field, message)) is not UTF-8 at byte \(error.byteOffsets.lowerBound)",
        field: path(field, message))
    }
  }

  /// Scans a list of numbers sent as one value, counting its elements; any other value that is not
  /// of the `expected` wire type is wrong. Answers where it ends.
  @inline(never)
  private mutating func scanPacked(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ wireType: UInt32, _ expected: UInt32,
    _ start: WireCursor, in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) -> WireCursor {
    guard wireType == WireType.lengthPrefixed,
      unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED
    else {
      throw unsafe Self.malformed(field, message, "has the wrong wire type \(wireType)")
    }
    var cursor = start
    guard var list = cursor.readValue() else { throw unsafe Self.wrong(cursor, message) }
    switch expected {
    case WireType.fixed32, WireType.fixed64:
      let size = expected == WireType.fixed32 ? 4 : 8
      guard list.count % size == 0 else {
        throw unsafe Self.malformed(field, message, "has a packed list cut short")
      }
      try claim(list.count / size)
    default:
      while !list.isAtEnd {
        guard list.skipVarint() else { throw unsafe Self.wrong(list, message) }
        try claim(1)
      }
    }
    return cursor
  }

  /// Passes over one value of `wireType`.
  @inline(__always)
  private func skip(
    _ wireType: UInt32, _ cursor: inout WireCursor,
    in message: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(MessageError) {
    switch wireType {
    case WireType.varint:
      guard cursor.skipVarint() else { throw unsafe Self.wrong(cursor, message) }
    case WireType.fixed64:
      guard cursor.skip(8) else { throw unsafe Self.malformed(message, "is cut short") }
    case WireType.fixed32:
      guard cursor.skip(4) else { throw unsafe Self.malformed(message, "is cut short") }
    case WireType.lengthPrefixed:
      guard cursor.readValue() != nil else { throw unsafe Self.wrong(cursor, message) }
    case WireType.groupStart, WireType.groupEnd:
      throw unsafe Self.malformed(message, "has a group, which is not supported")
    default:
      throw unsafe Self.unknown(wireType, message)
    }
  }

  @inline(__always)
  private mutating func claim(_ count: Int) throws(MessageError) {
    guard count <= elementsLeft else { throw tooManyElements }
    elementsLeft &-= count
  }

  private var tooManyElements: MessageError {
    @inline(never) get {
      MessageError(.tooManyElements, "the message has more than \(limits.maximumElements) values")
    }
  }

  private var tooDeep: MessageError {
    @inline(never) get {
      MessageError(.tooDeep, "messages are nested deeper than \(limits.maximumDepth) levels")
    }
  }

  private static func path(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>,
    _ message: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> String {
    unsafe "\(String(cString: message.pointee.name)).\(String(cString: field.pointee.name))"
  }

  @inline(never)
  private static func malformed(
    _ field: UnsafePointer<ProtobufCFieldDescriptor>,
    _ message: UnsafePointer<ProtobufCMessageDescriptor>, _ text: String
  ) -> MessageError {
    unsafe MessageError(.malformed, "\(path(field, message)) \(text)")
  }

  @inline(never)
  private static func malformed(
    _ message: UnsafePointer<ProtobufCMessageDescriptor>, _ text: String
  ) -> MessageError {
    unsafe MessageError(.malformed, "\(String(cString: message.pointee.name)) \(text)")
  }

  /// What is wrong with the tag, length or number before which `cursor` stopped.
  @inline(never)
  private static func wrong(
    _ cursor: WireCursor, _ message: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> MessageError {
    unsafe malformed(
      message,
      cursor.isBeforeLongNumber
        ? "has a tag or a length of more than 32 bits, or a number of more than ten bytes"
        : "is cut short")
  }

  @inline(never)
  private static func unknown(
    _ wireType: UInt32, _ message: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> MessageError {
    unsafe malformed(message, "has the unknown wire type \(wireType)")
  }
}

/// The fields of a message type, and the one found last.
@safe private struct KnownFields {
  private let first: UnsafePointer<ProtobufCFieldDescriptor>?
  private let count: Int
  private var last = 0

  init(of message: UnsafePointer<ProtobufCMessageDescriptor>) {
    unsafe first = unsafe message.pointee.fields
    count = unsafe first == nil ? 0 : Int(message.pointee.n_fields)
  }

  /// The descriptor of the field with `number`; nil when the type has none.
  ///
  /// Fields are sorted by number and mostly sent in that order, elements of a list one after the
  /// other: the field found last and the one behind it are tried before the search.
  @inline(__always)
  mutating func find(_ number: UInt32) -> UnsafePointer<ProtobufCFieldDescriptor>? {
    guard let first = unsafe first, last < count else { return nil }
    let current = unsafe first + last
    if unsafe current.pointee.id == number { return unsafe current }
    if last &+ 1 < count, unsafe current[1].id == number {
      last &+= 1
      return unsafe current + 1
    }
    return unsafe search(number, in: first)
  }

  private mutating func search(
    _ number: UInt32, in fields: UnsafePointer<ProtobufCFieldDescriptor>
  ) -> UnsafePointer<ProtobufCFieldDescriptor>? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      let candidate = unsafe fields[middle].id
      if candidate == number {
        last = middle
        return unsafe fields + middle
      }
      if candidate < number { low = middle + 1 } else { high = middle }
    }
    return nil
  }
}

extension WireType {
  /// The wire type of one value of `type`.
  @inline(__always)
  fileprivate static func ofValue(_ type: ProtobufCType) -> UInt32 {
    switch type {
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE:
      lengthPrefixed
    case PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT:
      fixed32
    case PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE:
      fixed64
    default:
      varint
    }
  }
}
