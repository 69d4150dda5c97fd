private import CJansson

extension JSONValue {
  /// Reads a text, by Jansson.
  ///
  /// - Throws: ``JSONError`` with line and column when the text is no JSON, names a member of an
  ///   object twice, has a number that no `Int64` or `Double` holds, U+0000 in a string, or is nested
  ///   deeper than ``maximumDepth``.
  package init(parsing text: some StringProtocol) throws(JSONError) {
    var failure = json_error_t()
    let bytes = Array(text.utf8)
    let parsed = unsafe bytes.withUnsafeBytes { bytes in
      unsafe json_loadb(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
        Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY), &failure)
    }
    guard let parsed = unsafe parsed else {
      let reason = unsafe withUnsafeBytes(of: failure.text) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw JSONError(
        description: "line \(failure.line), column \(failure.column): \(reason)")
    }
    defer { unsafe json_decref(parsed) }
    guard let value = unsafe Self(parsed, depth: Self.maximumDepth) else {
      throw JSONError(description: "it is nested more than \(Self.maximumDepth) levels deep")
    }
    self = value
  }

  /// Nil when a value is nested too deep.
  private init?(_ value: UnsafeMutablePointer<json_t>, depth: Int) {
    switch unsafe value.pointee.type {
    case JSON_NULL: self = .null
    case JSON_TRUE: self = .bool(true)
    case JSON_FALSE: self = .bool(false)
    case JSON_INTEGER: self = unsafe .integer(json_integer_value(value))
    case JSON_REAL: self = unsafe .number(json_real_value(value))
    case JSON_STRING: self = unsafe .string(Self.text(of: value))
    case JSON_ARRAY:
      guard depth > 0 else { return nil }
      var values: [JSONValue] = []
      for index in 0..<(unsafe json_array_size(value)) {
        guard let element = unsafe json_array_get(value, index) else { return nil }
        guard let element = unsafe JSONValue(element, depth: depth - 1) else { return nil }
        values.append(element)
      }
      self = .array(values)
    default:
      guard depth > 0 else { return nil }
      var members: [String: JSONValue] = [:]
      var place = unsafe json_object_iter(value)
      while let member = unsafe place {
        guard let name = unsafe json_object_iter_key(member),
          let found = unsafe json_object_iter_value(member)
        else { return nil }
        guard let element = unsafe JSONValue(found, depth: depth - 1) else { return nil }
        members[unsafe String(cString: name)] = element
        unsafe place = unsafe json_object_iter_next(value, member)
      }
      self = .object(members)
    }
  }

  private static func text(of value: UnsafeMutablePointer<json_t>) -> String {
    guard let bytes = unsafe json_string_value(value) else { return "" }
    return unsafe String(
      decoding: UnsafeRawBufferPointer(start: bytes, count: json_string_length(value)),
      as: UTF8.self)
  }
}
