internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary

/// How many bytes fields take on the wire at most (protobuf encoding), for the room that a message
/// is packed into. The arena adds up what has no fixed length: contents of texts and of bytes,
/// elements of lists.
extension Descriptor {
  /// The most bytes of all fields that are no lists, without the contents of texts, bytes and
  /// messages.
  var maximumWireBytes: Int {
    let always = fields.filter { !$0.isRepeated && $0.containingOneof == nil }
      .map(\.maximumWireBytes)
    let chosen = oneofs.map { $0.fields.map(\.maximumWireBytes).max() ?? 0 }
    return (always + chosen).reduce(0, +)
  }
}

extension FieldDescriptor {
  /// The most bytes of one value with its tag; of texts, bytes and messages the tag and the length.
  var maximumWireBytes: Int {
    switch type {
    // Negative numbers have ten bytes, those of 32 bits as well.
    case .int32, .int64, .uint64, .sint64, .enum: tagBytes + 10
    case .uint32, .sint32: tagBytes + 5
    case .fixed32, .sfixed32, .float: tagBytes + 4
    case .fixed64, .sfixed64, .double: tagBytes + 8
    case .bool: tagBytes + 1
    case .string, .bytes, .message, .group: wireBytesOfPrefix
    }
  }

  /// The most bytes of a tag and a length.
  var wireBytesOfPrefix: Int { tagBytes + 5 }

  private var tagBytes: Int {
    switch number {
    case ..<(1 << 4): 1
    case ..<(1 << 11): 2
    case ..<(1 << 18): 3
    case ..<(1 << 25): 4
    default: 5
    }
  }
}
