/// What happens beside the frames of a server, as frames of types that HTTP/2 does not have.
enum ClientEvent: UInt8 {
  /// So many milliseconds pass: a number of two bytes, of which twelve bits count.
  case timePasses = 0xF0
  /// The connection is lost.
  case connectionLost = 0xF1
  /// The server closes the connection within TLS.
  case connectionClosed = 0xF2
  /// A call begins, of the kind that the first byte says.
  case callBegins = 0xF3
  /// The caller of the call with the number of the first byte gives up.
  case callCancelled = 0xF4
  /// So many attempts to connect are going to fail: the first byte, of which two bits count.
  case attemptsFail = 0xF5
  /// The frames that follow go to the connection with the number of the first byte, of those that
  /// there were.
  case connectionChosen = 0xF6

  func frame(_ payload: [UInt8] = []) -> [UInt8] { HTTP2Frames.frame(rawValue, 0, 0, payload) }

  static func wait(milliseconds: UInt16) -> [UInt8] {
    timePasses.frame([UInt8(milliseconds >> 8), UInt8(truncatingIfNeeded: milliseconds)])
  }
}
