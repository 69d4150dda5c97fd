internal import SwiftProtobufPluginLibrary

/// The Swift module of a proto file, by its package: `kontor.shop.v1` is in `ShopAPI`,
/// `grpc.health.v1` in `HealthAPI`, all of `google` in `GoogleAPI`. gRPC's interoperability tests
/// are one module, with what they use of `xds`.
func swiftModule(of file: FileDescriptor) throws -> String {
  let parts = file.package.split(separator: ".").map(String.init)
  if parts.first == "google" { return "GoogleAPI" }
  if file.package == "grpc.testing" || parts.first == "xds" { return "InteropAPI" }
  guard parts.count == 3, parts[2].first == "v" else {
    throw GeneratorError("\(file.name): no Swift module for the package \"\(file.package)\"")
  }
  let version = parts[2] == "v1" ? "" : parts[2].uppercased()
  return upperCamel(parts[1]) + "API" + version
}

/// Words that Swift writes in one case.
private let acronyms: [String: String] = [
  "id": "ID", "ids": "IDs", "url": "URL", "urls": "URLs", "uri": "URI", "http": "HTTP",
  "https": "HTTPS", "ip": "IP", "iban": "IBAN", "vat": "VAT", "pdf": "PDF", "csv": "CSV",
  "json": "JSON", "html": "HTML", "dns": "DNS", "tls": "TLS", "utc": "UTC",
]

/// `request_id` → `requestID`, `PAST_DUE` → `pastDue`.
func lowerCamel(_ name: String) -> String {
  let words = name.lowercased().split(separator: "_").map(String.init)
  guard let first = words.first else { return "_" }
  // `self` and `init` mean something else even in backticks.
  if words == ["self"] || words == ["init"] { return first + "_" }
  return first + words.dropFirst().map { acronyms[$0] ?? capitalized($0) }.joined()
}

/// `date_filter` → `DateFilter`.
func upperCamel(_ name: String) -> String {
  name.lowercased().split(separator: "_").map { acronyms[String($0)] ?? capitalized(String($0)) }
    .joined()
}

/// `PlaceOrder` → `placeOrder`, `URLService` → `urlService`.
func lowerFirst(_ name: String) -> String {
  let characters = Array(name)
  var count = 0
  while count < characters.count, characters[count].isUppercase { count += 1 }
  // The last capital of a run begins the next word.
  if count > 1, count < characters.count { count -= 1 }
  return String(characters[..<count]).lowercased() + String(characters[count...])
}

private func capitalized(_ word: String) -> String {
  word.prefix(1).uppercased() + word.dropFirst()
}

private let swiftKeywords: Set<String> = [
  "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer",
  "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for",
  "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
  "operator", "package", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows",
  "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true",
  "try", "typealias", "var", "where", "while",
]

/// `name` as an identifier, in backticks where it is a keyword.
func escaped(_ name: String) -> String {
  swiftKeywords.contains(name) ? "`\(name)`" : name
}

/// Names that generated code uses itself, or that would hide a type of the standard library.
private let takenTypeNames: Set<String> = [
  "Any", "Array", "Bool", "Dictionary", "Double", "Duration", "Error", "Float", "Hashable",
  "Int32", "Int64", "Message", "Optional", "Protocol", "Result", "Self", "Sendable", "String",
  "Task", "Type", "UInt32", "UInt64", "UInt8", "Void",
]

/// The Swift names of the types that are not named as in their proto.
private let renamedTypes = [
  "google.protobuf.Any": "AnyMessage", "google.protobuf.Duration": "ProtoDuration",
  "google.rpc.Status": "RPCStatus", "google.rpc.Code": "RPCCode",
]

private func swiftTypeName(_ name: String, fullName: String) -> String {
  renamedTypes[fullName] ?? (takenTypeNames.contains(name) ? name + "Message" : name)
}

extension Descriptor {
  /// The name within its scope.
  var swiftName: String { swiftTypeName(name, fullName: fullName) }

  /// The name with the types around it.
  var swiftPath: String { (containingType.map { $0.swiftPath + "." } ?? "") + swiftName }

  /// The struct that protoc-c writes.
  var cName: String { cTypeName(fullName) }

  /// What the names of the functions that protoc-c writes for it begin with.
  var cPrefix: String { cFunctionPrefix(fullName) }
}

extension EnumDescriptor {
  var swiftName: String { swiftTypeName(name, fullName: fullName) }

  var swiftPath: String { (containingType.map { $0.swiftPath + "." } ?? "") + swiftName }

  var cName: String { cTypeName(fullName) }

  /// The case of `value`, without the prefix that repeats the enum's name.
  func caseName(_ value: EnumValueDescriptor) -> String {
    let prefix = cFunctionPrefix(name).uppercased() + "_"
    var stripped = value.name[...]
    if stripped.hasPrefix(prefix), stripped.count > prefix.count {
      stripped = stripped.dropFirst(prefix.count)
    }
    let name = lowerCamel(String(stripped))
    return name.first?.isNumber == true ? "_" + name : name
  }
}

extension FieldDescriptor {
  var swiftName: String { lowerCamel(name) }

  /// The member of the C struct.
  var cName: String {
    let lower = name.lowercased()
    return cKeywords.contains(lower) ? lower + "_" : lower
  }
}

/// `kontor.shop.v1.OrderLine` → `Kontor__Shop__V1__OrderLine`, as protoc-c does.
private func cTypeName(_ fullName: String) -> String {
  fullName.split(separator: ".").map { part in
    part.split(separator: "_").map { capitalized(String($0)) }.joined()
  }.joined(separator: "__")
}

/// `kontor.shop.v1.OrderLine` → `kontor__shop__v1__order_line`, as protoc-c does.
private func cFunctionPrefix(_ fullName: String) -> String {
  fullName.split(separator: ".").map { part in
    var result = ""
    var wasUpper = true
    for character in part {
      if character.isUppercase, !wasUpper { result += "_" }
      wasUpper = character.isUppercase
      result += character.lowercased()
    }
    return result
  }.joined(separator: "__")
}

/// Words to which protoc-c appends an underscore.
private let cKeywords: Set<String> = [
  "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
  "class", "compl", "const", "const_cast", "continue", "default", "delete", "do", "double",
  "dynamic_cast", "else", "enum", "explicit", "extern", "false", "float", "for", "friend", "goto",
  "if", "inline", "int", "long", "mutable", "namespace", "new", "not", "not_eq", "operator", "or",
  "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "return", "short",
  "signed", "sizeof", "static", "static_cast", "struct", "switch", "template", "this", "throw",
  "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void",
  "volatile", "wchar_t", "while", "xor", "xor_eq",
]
