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
  func receive() async throws -> [UInt8]?

  /// Queues a message; suspends while too much waits to be sent.
  ///
  /// - Throws: as `receive`; `StreamClosedError` when nothing more can be sent.
  func send(_ message: [UInt8]) async throws

  /// Ends our side after what is queued (half-close). A server's side ends with its status instead,
  /// when the handler returns.
  func finishSending() async

  /// Ends the call, if it still runs; both sides' waits fail.
  func cancel()
}

/// A message cannot be sent: our side of the call has ended, or the whole call with OK.
package struct StreamClosedError: Error, Sendable, CustomStringConvertible {
  package init() {}
  package var description: String { "the call has ended" }
}
