/// One task that waits for a stream: for a message to come, or for room to send one.
///
/// `@unchecked Sendable`: touched on the stream's event loop only.
final class StreamWaiter<Value: Sendable>: @unchecked Sendable {
  private var continuation: CheckedContinuation<Value, any Error>?
  private var isCancelled = false

  /// The message of one that waits to send, and whether it may be compressed.
  let message: [UInt8]
  let compress: Bool

  init(message: [UInt8] = [], compress: Bool = false) {
    self.message = message
    self.compress = compress
  }

  /// True while the task waits.
  var isWaiting: Bool { continuation != nil }

  /// Begins the wait; false when the task was cancelled before, which ends it at once.
  func begin(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
    guard !isCancelled else {
      continuation.resume(throwing: CancellationError())
      return false
    }
    self.continuation = continuation
    return true
  }

  /// Ends the wait; only the first end counts.
  func end(_ result: Result<Value, any Error>) {
    let waiting = continuation
    continuation = nil
    waiting?.resume(with: result)
  }

  /// The waiting task was cancelled.
  func cancel() {
    isCancelled = true
    end(.failure(CancellationError()))
  }
}
