/// The messages that a client's streaming call has sent, for another attempt (gRFC A6, "Memory
/// Management (Buffering)").
struct SentMessages {
  private(set) var messages: [(bytes: [UInt8], compress: Bool)] = []
  private var bytes = 0
  private let limit: Int
  /// True while nothing that was sent is missing.
  private(set) var areComplete: Bool

  /// - Parameter limit: bytes to keep at most; nothing is kept any more beyond it.
  init(limit: Int) {
    self.limit = limit
    areComplete = limit > 0
  }

  /// - Parameter hasLeft: whether anything of the call has left. As long as nothing has, the call
  ///   can always be sent again, and its messages are in the connection's queue anyway.
  mutating func append(_ message: [UInt8], compress: Bool, hasLeft: @autoclosure () -> Bool) {
    guard areComplete else { return }
    // Even an empty message costs memory.
    bytes += message.count + 32
    guard bytes <= limit || !hasLeft() else { return drop() }
    messages.append((message, compress))
  }

  /// The messages are not needed any more, or too many.
  mutating func drop() {
    guard areComplete else { return }
    areComplete = false
    messages = []
  }
}
