internal import Messages

extension MessageError {
  /// True when the message is beyond a limit rather than malformed.
  var isLimit: Bool {
    switch code {
    case .tooDeep, .tooManyElements, .tooLarge: true
    default: false
    }
  }
}
