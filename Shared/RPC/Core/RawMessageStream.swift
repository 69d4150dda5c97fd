package import Messages

/// One end of a streaming call, on message bytes; implemented by a transport.
///
/// May be used from any task. One task at a time receives; any number send, in the order of their
/// calls.
package protocol RawMessageStream: Sendable {
  /// The next message without its prefix; nil after the last one.
  ///
  /// Taking a message lets the other side send more.
  /// - Throws: `RPCError`, on a client the call's status when it is not OK; `CancellationError`
  ///   when the calling task is cancelled.
  func receive() async throws -> RawMessage?

  /// Queues a message; suspends while too much waits to be sent.
  ///
  /// - Parameter compress: false to send the message plain in a call whose messages are compressed;
  ///   true has no effect in any other call.
  /// - Throws: as `receive`; `StreamClosedError` when nothing more can be sent.
  func send(_ message: [UInt8], compress: Bool) async throws

  /// Queues a message at once, encoded to where it is sent from, when nothing stands against it:
  /// false leaves it to `send`. For code on the stream's event loop, which spares the message an
  /// array and a switch of tasks.
  ///
  /// - Parameter compress: as for `send`.
  /// - Throws: as `send`, and `MessageError` for a message that does not encode.
  func sendNow(_ message: some Message, compress: Bool) throws -> Bool

  /// Sends a server's headers now, with the initial metadata that is set, and not with the first
  /// message. Has no effect later, and on a client.
  func sendHeaders() async

  /// Ends our side after what is queued (half-close). A server's side ends with its status instead,
  /// when the handler returns.
  func finishSending() async

  /// Ends the call, if it still runs; both sides' waits fail.
  func cancel()
}

extension RawMessageStream {
  package func sendNow(_ message: some Message, compress: Bool) throws -> Bool { false }
}

/// A received message of a streaming call, in bytes.
package struct RawMessage: Sendable, Hashable {
  /// Without its prefix, decompressed.
  package var bytes: [UInt8]
  /// True when it came compressed.
  package var isCompressed: Bool

  package init(_ bytes: [UInt8], isCompressed: Bool = false) {
    self.bytes = bytes
    self.isCompressed = isCompressed
  }
}

/// A message cannot be sent: our side of the call has ended, or the whole call with OK.
package struct StreamClosedError: Error, Sendable, CustomStringConvertible {
  package init() {}
  package var description: String { "the call has ended" }
}
