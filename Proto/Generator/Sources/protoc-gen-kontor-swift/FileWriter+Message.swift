internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary

extension FileWriter {
  /// The struct of a message, with the types in it.
  mutating func write(message: Descriptor) throws {
    try check(message)
    gap()
    comment(message.sourceCodeInfoLocation, or: "\(message.fullName).")
    let members = message.swiftMembers
    try block("package struct \(message.swiftName): Message {") { writer in
      for member in members {
        writer.gap()
        switch member {
        case .field(let field):
          writer.comment(field.sourceCodeInfoLocation)
          writer.line(
            "package var \(escaped(field.swiftName)): \(try writer.propertyType(field)) = \(writer.defaultValue(field))"
          )
        case .oneof(let oneof):
          writer.comment(oneof.sourceCodeInfoLocation)
          writer.line("package var \(escaped(lowerCamel(oneof.name))): \(upperCamel(oneof.name))?")
        }
      }
      writer.gap()
      writer.line("/// The message with every field at its default.")
      writer.line("package init() {}")
      if !members.isEmpty { try writer.writeMemberwiseInit(members) }
      for oneof in message.oneofs { try writer.write(oneof: oneof) }
      for descriptor in message.enums { writer.write(enumeration: descriptor) }
      for nested in message.messages where !nested.options.mapEntry {
        try writer.write(message: nested)
      }
    }
  }

  private mutating func writeMemberwiseInit(_ members: [Member]) throws {
    var parameters: [String] = []
    for member in members {
      switch member {
      case .field(let field):
        parameters.append(
          "\(escaped(field.swiftName)): \(try propertyType(field)) = \(defaultValue(field))")
      case .oneof(let oneof):
        parameters.append("\(escaped(lowerCamel(oneof.name))): \(upperCamel(oneof.name))? = nil")
      }
    }
    gap()
    line("/// The message with the fields that are given, the others at their default.")
    block("package init(\(parameters.joined(separator: ", "))) {") { writer in
      for member in members {
        writer.line("self.\(member.swiftName) = \(escaped(member.swiftName))")
      }
    }
  }

  private mutating func write(oneof: OneofDescriptor) throws {
    gap()
    comment(oneof.sourceCodeInfoLocation, or: "One of \(oneof.fullName).")
    try block("package enum \(upperCamel(oneof.name)): Sendable, Hashable {") { writer in
      for field in oneof.fields {
        writer.comment(field.sourceCodeInfoLocation)
        writer.line("case \(escaped(field.swiftName))(\(try writer.elementType(field)))")
      }
    }
  }

  /// What the runtime cannot carry is refused here, not at run time.
  private func check(_ message: Descriptor) throws {
    var visited: Set<String> = []
    var open = message.fields.compactMap { $0.type == .message ? $0.messageType : nil }
    while let next = open.popLast() {
      guard next.fullName != message.fullName else {
        throw GeneratorError("\(message.fullName): recursive messages are not supported")
      }
      guard visited.insert(next.fullName).inserted else { continue }
      open += next.fields.compactMap { $0.type == .message ? $0.messageType : nil }
    }
  }
}

/// A property of a generated struct.
enum Member {
  case field(FieldDescriptor)
  case oneof(OneofDescriptor)

  var swiftName: String {
    switch self {
    case .field(let field): field.swiftName
    case .oneof(let oneof): lowerCamel(oneof.name)
    }
  }
}

extension Descriptor {
  /// The properties in the order of the proto; a oneof stands where its first member does.
  var swiftMembers: [Member] {
    var members: [Member] = []
    var seen: Set<String> = []
    for field in fields {
      if let oneof = field.containingOneof {
        if seen.insert(oneof.name).inserted { members.append(.oneof(oneof)) }
      } else {
        members.append(.field(field))
      }
    }
    return members
  }
}
