/// A proto file as its `google.protobuf.FileDescriptorProto` tells it (descriptor.proto).
struct DescribedFile: Sendable {
  /// An extension that the file declares.
  struct Extension: Sendable, Hashable {
    /// The full name of the message that is extended.
    let message: String
    let number: Int32
  }

  /// The path by which other files import it.
  private(set) var name = ""
  private(set) var imports: [String] = []
  /// The full names of all that the file declares, kept services included.
  private(set) var symbols: [String] = []
  /// The full names of the messages, nested ones included.
  private(set) var messages: [String] = []
  private(set) var extensions: [Extension] = []
  /// Whether the file declared services, kept or not.
  private(set) var hadServices = false
  /// Whether one of them was kept.
  private(set) var hasServices = false
  /// The serialized descriptor, without the services that were not kept.
  private(set) var encoded: [UInt8] = []

  /// Reads a descriptor.
  ///
  /// - Parameter keeps: whether a service, by its full name, stays in the file.
  /// - Throws: ``MalformedDescriptor``.
  init(
    _ descriptor: ArraySlice<UInt8>, keeping keeps: (String) -> Bool
  ) throws(MalformedDescriptor) {
    let fields = try WireReader.fields(of: descriptor)
    let package = fields.first { $0.number == FileField.package }?.text ?? ""
    for field in fields {
      guard let bytes = field.bytes else {
        encoded += field.encoded
        continue
      }
      switch field.number {
      case FileField.name: name = field.text ?? ""
      case FileField.dependency: imports.append(field.text ?? "")
      case FileField.message: try readMessage(bytes, in: package)
      case FileField.enumeration: try readEnum(bytes, in: package)
      case FileField.extension: try readExtension(bytes, in: package)
      case FileField.service:
        hadServices = true
        guard try readService(bytes, in: package, keeping: keeps) else { continue }
        hasServices = true
      default: break
      }
      encoded += field.encoded
    }
  }

  private mutating func readMessage(
    _ descriptor: ArraySlice<UInt8>, in scope: String
  ) throws(MalformedDescriptor) {
    let fields = try WireReader.fields(of: descriptor)
    let name = Self.fullName(fields, in: scope)
    symbols.append(name)
    messages.append(name)
    for field in fields {
      guard let bytes = field.bytes else { continue }
      switch field.number {
      case MessageField.field, MessageField.oneof: try readName(bytes, in: name)
      case MessageField.nested: try readMessage(bytes, in: name)
      case MessageField.enumeration: try readEnum(bytes, in: name)
      case MessageField.extension: try readExtension(bytes, in: name)
      default: break
      }
    }
  }

  /// An enum's values are its neighbours, not its members, as in C++.
  private mutating func readEnum(
    _ descriptor: ArraySlice<UInt8>, in scope: String
  ) throws(MalformedDescriptor) {
    let fields = try WireReader.fields(of: descriptor)
    symbols.append(Self.fullName(fields, in: scope))
    for field in fields where field.number == memberField {
      if let bytes = field.bytes { try readName(bytes, in: scope) }
    }
  }

  private mutating func readExtension(
    _ descriptor: ArraySlice<UInt8>, in scope: String
  ) throws(MalformedDescriptor) {
    let fields = try WireReader.fields(of: descriptor)
    symbols.append(Self.fullName(fields, in: scope))
    guard let message = fields.first(where: { $0.number == ExtensionField.extendee })?.text,
      case .number(let number)? = fields.first(where: { $0.number == ExtensionField.number })?.value
    else { throw MalformedDescriptor("an extension of nothing") }
    extensions.append(
      Extension(
        message: message.hasPrefix(".") ? String(message.dropFirst()) : message,
        number: Int32(truncatingIfNeeded: number)))
  }

  /// False when the service is not kept.
  private mutating func readService(
    _ descriptor: ArraySlice<UInt8>, in scope: String, keeping keeps: (String) -> Bool
  ) throws(MalformedDescriptor) -> Bool {
    let fields = try WireReader.fields(of: descriptor)
    let name = Self.fullName(fields, in: scope)
    guard keeps(name) else { return false }
    symbols.append(name)
    for field in fields where field.number == memberField {
      if let bytes = field.bytes { try readName(bytes, in: name) }
    }
    return true
  }

  private mutating func readName(
    _ descriptor: ArraySlice<UInt8>, in scope: String
  ) throws(MalformedDescriptor) {
    symbols.append(Self.fullName(try WireReader.fields(of: descriptor), in: scope))
  }

  private static func fullName(_ fields: [WireReader.Field], in scope: String) -> String {
    let name = fields.first { $0.number == nameField }?.text ?? ""
    return scope.isEmpty ? name : "\(scope).\(name)"
  }
}

// The field numbers of descriptor.proto that are read.

/// `name` in every kind of descriptor.
private let nameField = 1
/// `EnumDescriptorProto.value` and `ServiceDescriptorProto.method`.
private let memberField = 2

private enum FileField {
  static let name = 1
  static let package = 2
  static let dependency = 3
  static let message = 4
  static let enumeration = 5
  static let service = 6
  static let `extension` = 7
}

private enum MessageField {
  static let field = 2
  static let nested = 3
  static let enumeration = 4
  static let `extension` = 6
  static let oneof = 8
}

private enum ExtensionField {
  static let extendee = 2
  static let number = 3
}
