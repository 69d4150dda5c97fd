internal import JSON

/// Fields that identify nobody, as they are kept in their entry: an array of arrays of JSON, each a
/// name, the value before and the value after.
extension AuditChain {
  /// A field that is kept beside its entry, and its place among all fields.
  struct PlacedField: Sendable, Hashable {
    let position: Int
    let field: Field
  }

  /// The text of those of the fields that identify nobody.
  static func text(ofPlain fields: [Field]) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64)
    for field in fields where !field.isPersonal {
      bytes.append(contentsOf: (bytes.isEmpty ? "[[" : ",[").utf8)
      append(field.name, to: &bytes)
      bytes.append(UInt8(ascii: ","))
      append(field.before, to: &bytes)
      bytes.append(UInt8(ascii: ","))
      append(field.after, to: &bytes)
      bytes.append(UInt8(ascii: "]"))
    }
    bytes.append(contentsOf: (bytes.isEmpty ? "[]" : "]").utf8)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func append(_ text: String?, to bytes: inout [UInt8]) {
    guard let text else { return bytes.append(contentsOf: "null".utf8) }
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The fields of such a text; nil where it is none.
  static func plainFields(in text: String) -> [Field]? {
    guard case .array(let values) = try? JSONValue(parsing: text) else { return nil }
    var fields: [Field] = []
    for value in values {
      guard case .array(let parts) = value, parts.count == 3, case .string(let name) = parts[0],
        let before = optionalText(parts[1]), let after = optionalText(parts[2])
      else { return nil }
      fields.append(Field(plain: name, before: before, after: after))
    }
    return fields
  }

  /// The text, or none for null; nil for anything else.
  private static func optionalText(_ value: JSONValue) -> String?? {
    switch value {
    case .null: .some(nil)
    case .string(let text): .some(text)
    default: nil
    }
  }

  /// All fields of an entry: those beside it at their places, the plain ones in turn at the others.
  static func merged(_ plain: [Field], _ besides: [PlacedField]) -> [Field] {
    var merged: [Field] = []
    var rest = plain[...]
    for beside in besides {
      while merged.count < beside.position, let field = rest.popFirst() { merged.append(field) }
      merged.append(beside.field)
    }
    return merged + rest
  }
}
