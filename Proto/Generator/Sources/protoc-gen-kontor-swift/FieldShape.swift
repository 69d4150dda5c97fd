internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary

extension FileWriter {
  /// `path`, with its module where that is another one.
  mutating func qualified(_ path: String, in file: FileDescriptor) throws -> String {
    let module = try swiftModule(of: file)
    guard try module != swiftModule(of: self.file) else { return path }
    importedModules.insert(module)
    return "\(module).\(path)"
  }

  /// The Swift type of one value of `field`.
  mutating func elementType(_ field: FieldDescriptor) throws -> String {
    switch field.type {
    case .int32, .sint32, .sfixed32: return "Int32"
    case .int64, .sint64, .sfixed64: return "Int64"
    case .uint32, .fixed32: return "UInt32"
    case .uint64, .fixed64: return "UInt64"
    case .float: return "Float"
    case .double: return "Double"
    case .bool: return "Bool"
    case .string: return "String"
    case .bytes: return "[UInt8]"
    case .enum: return try qualified(field.enumType.swiftPath, in: field.enumType.file)
    case .message: return try qualified(field.messageType.swiftPath, in: field.messageType.file)
    case .group: throw GeneratorError("\(field.fullName): groups are not supported")
    }
  }

  /// The Swift type of the property of `field`.
  mutating func propertyType(_ field: FieldDescriptor) throws -> String {
    if let (key, value) = field.messageTypeIfMap {
      return "[\(try elementType(key)): \(try elementType(value))]"
    }
    let element = try elementType(field)
    if field.isRepeated { return "[\(element)]" }
    return field.type == .message ? element + "?" : element
  }

  /// The Swift value of `field` when it is absent.
  mutating func defaultValue(_ field: FieldDescriptor) -> String {
    if field.messageTypeIfMap != nil { return "[:]" }
    if field.isRepeated { return "[]" }
    switch field.type {
    case .bool: return "false"
    case .string: return "\"\""
    case .bytes: return "[]"
    case .message: return "nil"
    case .enum:
      let zero = field.enumType.values.first.map(field.enumType.caseName) ?? "_"
      return "." + escaped(zero)
    default: return "0"
    }
  }

  /// One value of `field`, read from the C expression `source`.
  mutating func reading(_ field: FieldDescriptor, _ source: String) throws -> String {
    switch field.type {
    case .bool: return "\(source) != 0"
    case .string: return "Unpacked.string(\(source))"
    case .bytes: return "Unpacked.bytes(\(source).len, \(source).data)"
    case .enum:
      return "\(try elementType(field))(rawValue: Int32(truncatingIfNeeded: \(source).rawValue))"
    case .message:
      return "\(source).map { unsafe \(try elementType(field))(copying: $0) }"
    default: return source
    }
  }

  /// The statements that set the C member `target` to one `value` of `field`.
  mutating func writing(_ field: FieldDescriptor, _ value: String, to target: String) {
    switch field.type {
    case .bool: line("unsafe \(target) = \(value) ? 1 : 0")
    case .string:
      line("unsafe \(target) = try arena.string(\(value), \"\(field.fullName)\")")
    case .bytes:
      line("unsafe \(target).len = \(value).count")
      line("unsafe \(target).data = try arena.bytes(\(value))")
    case .enum:
      line(
        "unsafe \(target) = \(field.enumType.cName)(rawValue: .init(truncatingIfNeeded: \(value).rawValue))"
      )
    case .message:
      line(
        "unsafe \(target) = try \(value).fill(arena).assumingMemoryBound(to: \(field.messageType.cName).self)"
      )
    default: line("unsafe \(target) = \(value)")
    }
  }
}

extension FieldDescriptor {
  /// Key and value of a map field.
  var messageTypeIfMap: (key: FieldDescriptor, value: FieldDescriptor)? {
    isMap ? messageType.mapKeyAndValue : nil
  }
}
