internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary

extension FileWriter {
  /// The conformance of a message, and of the messages in it: from and to protoc-c's structs.
  mutating func writeConversions(_ message: Descriptor) throws {
    gap()
    try block("extension \(message.swiftPath) {") { writer in
      writer.line("package static var fullName: String { \"\(message.fullName)\" }")
      writer.line()
      writer.line(
        "package static let descriptor = unsafe MessageDescriptor(of: \(message.cName).self) { unsafe \(message.cPrefix)__init($0) }"
      )
      writer.line()
      try writer.writeCopying(message)
      writer.line()
      try writer.writeFill(message)
    }
    for nested in message.messages where !nested.options.mapEntry { try writeConversions(nested) }
  }

  private mutating func writeCopying(_ message: Descriptor) throws {
    block("@unsafe package init(copying pointer: UnsafeRawPointer) {") { writer in
      writer.line("self.init()")
      writer.line("unsafe copyFields(from: pointer)")
    }
    line()
    try block("@unsafe package mutating func copyFields(from pointer: UnsafeRawPointer) {") {
      writer in
      guard !message.fields.isEmpty else { return }
      writer.line("let c = unsafe pointer.assumingMemoryBound(to: \(message.cName).self)")
      for member in message.swiftMembers {
        switch member {
        case .field(let field): try writer.writeCopying(field)
        case .oneof(let oneof): try writer.writeCopying(oneof)
        }
      }
    }
  }

  private mutating func writeCopying(_ field: FieldDescriptor) throws {
    let target = "self.\(field.swiftName)"
    let source = "c.pointee.\(escaped(field.cName))"
    let count = "c.pointee.n_\(field.cName)"
    if let (key, value) = field.messageTypeIfMap {
      var valueExpression = try reading(value, "$0.pointee.value")
      if value.type == .message { valueExpression += " ?? \(try elementType(value))()" }
      let keyExpression = try reading(key, "$0.pointee.key")
      line(
        "\(target) = unsafe Unpacked.map(\(count), \(source)) { unsafe (\(keyExpression), \(valueExpression)) }"
      )
    } else if field.isRepeated {
      switch field.type {
      case .string: line("\(target) = unsafe Unpacked.strings(\(count), \(source))")
      case .message:
        line(
          "\(target) = unsafe Unpacked.messages(\(count), \(source)) { unsafe $1.initialize(to: \(try elementType(field))()); unsafe $1.pointee.copyFields(from: $0) }"
        )
      case .bool, .enum, .bytes:
        let mark = field.type == .bytes ? "unsafe " : ""
        line(
          "\(target) = unsafe Unpacked.values(\(count), \(source)).map { \(mark)\(try reading(field, "$0")) }"
        )
      default: line("\(target) = unsafe Unpacked.values(\(count), \(source))")
      }
    } else {
      line("\(target) = unsafe \(try reading(field, source))")
    }
  }

  private mutating func writeCopying(_ oneof: OneofDescriptor) throws {
    let target = "self.\(lowerCamel(oneof.name))"
    try block("switch unsafe c.pointee.\(oneof.name.lowercased())_case.rawValue {") { writer in
      for field in oneof.fields {
        let value = try writer.reading(field, "c.pointee.\(escaped(field.cName))")
        if field.type == .message {
          let type = try writer.elementType(field)
          writer.line(
            "case \(field.number): \(target) = .\(escaped(field.swiftName))(unsafe \(value) ?? \(type)())"
          )
        } else {
          writer.line(
            "case \(field.number): \(target) = .\(escaped(field.swiftName))(unsafe \(value))")
        }
      }
      writer.line("default: break")
    }
  }

  private mutating func writeFill(_ message: Descriptor) throws {
    let head =
      "@unsafe package func fill(_ arena: MessageArena) throws(MessageError) -> UnsafeMutableRawPointer {"
    try block(head) { writer in
      writer.line(
        "let memory = try unsafe arena.reserve(MemoryLayout<\(message.cName)>.size, wireBytes: \(message.maximumWireBytes))"
      )
      writer.line(
        "let c = unsafe memory.bindMemory(to: \(message.cName).self, capacity: 1)")
      writer.line("unsafe \(message.cPrefix)__init(c)")
      for member in message.swiftMembers {
        switch member {
        case .field(let field): try writer.writeFill(field)
        case .oneof(let oneof): try writer.writeFill(oneof)
        }
      }
      writer.line("return unsafe memory")
    }
  }

  private mutating func writeFill(_ field: FieldDescriptor) throws {
    // `self.`, since a field may be named like a local of the function.
    let value = "self.\(field.swiftName)"
    let target = "c.pointee.\(escaped(field.cName))"
    if field.isMap {
      try block("if !\(value).isEmpty {") { writer in try writer.writeFillMap(field, value, target)
      }
    } else if field.isRepeated {
      block("if !\(value).isEmpty {") { writer in writer.writeFillList(field, value, target) }
    } else {
      switch field.type {
      case .message:
        block("if let value = \(value) {") { $0.writing(field, "value", to: target) }
      case .string, .bytes:
        block("if !\(value).isEmpty {") { $0.writing(field, value, to: target) }
      default: writing(field, value, to: target)
      }
    }
  }

  private mutating func writeFillList(_ field: FieldDescriptor, _ value: String, _ target: String) {
    line("unsafe c.pointee.n_\(field.cName) = \(value).count")
    switch field.type {
    case .string:
      line("unsafe \(target) = try arena.strings(\(value), \"\(field.fullName)\")")
    case .message:
      let element = field.messageType.cName
      line(
        "let list = try unsafe arena.pointers(\(value).count).bindMemory(to: UnsafeMutablePointer<\(element)>?.self, capacity: \(value).count)"
      )
      // A span lends its elements; an array would give out copies.
      line("let messages = \(value).span")
      block("for index in messages.indices {") { writer in
        writer.line(
          "try unsafe (list + index).initialize(to: messages[index].fill(arena).assumingMemoryBound(to: \(element).self))"
        )
      }
      line("unsafe \(target) = unsafe list")
    case .bool: line("unsafe \(target) = try arena.values(\(value).map { $0 ? 1 : 0 })")
    case .enum:
      line(
        "unsafe \(target) = try arena.values(\(value).map { \(field.enumType.cName)(rawValue: .init(truncatingIfNeeded: $0.rawValue)) })"
      )
    case .bytes:
      line(
        "let list = try unsafe arena.reserve(\(value).count * MemoryLayout<ProtobufCBinaryData>.stride, wireBytes: \(value).count * \(field.wireBytesOfPrefix)).bindMemory(to: ProtobufCBinaryData.self, capacity: \(value).count)"
      )
      block("for index in \(value).indices {") { writer in
        writer.line(
          "try unsafe (list + index).initialize(to: ProtobufCBinaryData(len: \(value)[index].count, data: arena.bytes(\(value)[index])))"
        )
      }
      line("unsafe \(target) = unsafe list")
    default: line("unsafe \(target) = try arena.values(\(value))")
    }
  }

  /// A map becomes a list of entries, sorted by key so that equal messages have equal bytes.
  private mutating func writeFillMap(
    _ field: FieldDescriptor, _ value: String, _ target: String
  ) throws {
    guard let (keyField, valueField) = field.messageTypeIfMap else { return }
    let entry = field.messageType.cName
    let order = keyField.type == .bool ? "!$0.key && $1.key" : "$0.key < $1.key"
    line("let entries = \(value).sorted { \(order) }")
    line("unsafe c.pointee.n_\(field.cName) = entries.count")
    line(
      "let list = try unsafe arena.pointers(entries.count).bindMemory(to: UnsafeMutablePointer<\(entry)>?.self, capacity: entries.count)"
    )
    block("for (index, element) in entries.enumerated() {") { writer in
      writer.line(
        "let entry = try unsafe arena.reserve(MemoryLayout<\(entry)>.size, wireBytes: \(field.messageType.maximumWireBytes)).bindMemory(to: \(entry).self, capacity: 1)"
      )
      writer.line("unsafe \(field.messageType.cPrefix)__init(entry)")
      writer.writing(keyField, "element.key", to: "entry.pointee.key")
      writer.writing(valueField, "element.value", to: "entry.pointee.value")
      writer.line("unsafe (list + index).initialize(to: entry)")
    }
    line("unsafe \(target) = unsafe list")
  }

  private mutating func writeFill(_ oneof: OneofDescriptor) throws {
    let caseMember = "c.pointee.\(oneof.name.lowercased())_case"
    block("switch self.\(lowerCamel(oneof.name)) {") { writer in
      for field in oneof.fields {
        writer.block("case .\(escaped(field.swiftName))(let value)?:", "") { writer in
          writer.line("unsafe \(caseMember) = .init(\(field.number))")
          writer.writing(field, "value", to: "c.pointee.\(escaped(field.cName))")
        }
        writer.dropBlankLine()
      }
      writer.line("case nil: break")
    }
  }
}
