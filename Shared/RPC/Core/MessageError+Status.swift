internal import Messages

extension MessageError {
  /// What a caller is told whose request does not decode: INTERNAL for a malformed one, by gRPC's
  /// table of library errors, RESOURCE_EXHAUSTED for one beyond a limit; the wrong field is named.
  func rejection<Request: Message>(of request: Request.Type) -> RPCError {
    RPCError(
      isLimit ? .resourceExhausted : .internalError, reason: reason,
      "\(Request.fullName) does not decode: \(message)",
      fields: field.map { field in
        [FieldViolation(field: shortName(field, in: Request.fullName), description: message)]
      } ?? [])
  }

  /// True when the message is beyond a limit rather than malformed.
  private var isLimit: Bool {
    switch code {
    case .tooDeep, .tooManyElements, .tooLarge: true
    case .malformed, .invalidUTF8, .nulInString: false
    }
  }

  private var reason: String {
    switch code {
    case .malformed: "MESSAGE_MALFORMED"
    case .invalidUTF8: "TEXT_NOT_UTF8"
    case .nulInString: "TEXT_HAS_NUL"
    case .tooDeep: "MESSAGE_TOO_DEEP"
    case .tooManyElements: "MESSAGE_HAS_TOO_MANY_ELEMENTS"
    case .tooLarge: "MESSAGE_TOO_LARGE"
    }
  }

  /// A field of the request itself by its name, one of a message inside with that message's name.
  private func shortName(_ field: String, in request: String) -> String {
    if field.hasPrefix("\(request).") { return String(field.dropFirst(request.count + 1)) }
    return field.split(separator: ".").suffix(2).joined(separator: ".")
  }
}
