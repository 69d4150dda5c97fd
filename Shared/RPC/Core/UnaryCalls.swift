/// The unary calls of one method that wait for its handler, as a transport lends them to it.
///
/// A handler's code takes one call after the other, since to begin and to end a task for each, or an
/// asynchronous function around each, would cost more than the call's messages. Confined to the
/// transport's event loop or task.
package protocol UnaryCalls: AnyObject {
  /// The next call, to be answered by `succeed` or `fail` before another is asked for; nil when none
  /// waits, whereupon the handler's code returns.
  func next() -> UnaryInvocation?

  /// The answer of the call that was given last is in its buffer.
  func succeed()

  /// The call that was given last is answered with what an error says; see `MethodHandler`.
  func fail(_ error: any Error)
}

/// One call with its outcome, for a transport that has a task for each.
package final class SingleUnaryCall: UnaryCalls {
  private var waiting: UnaryInvocation?
  private var error: (any Error)?

  private init(_ invocation: UnaryInvocation) { waiting = invocation }

  /// Has a method answer a call: the answer is in the invocation's buffer when this returns.
  ///
  /// - Throws: what the handler has thrown.
  package static func answer(
    _ invocation: UnaryInvocation, by handler: MethodHandler
  ) async throws {
    let call = SingleUnaryCall(invocation)
    await handler.unary(call)
    if let error = call.error { throw error }
  }

  package func next() -> UnaryInvocation? { waiting.take() }
  package func succeed() {}
  package func fail(_ error: any Error) { self.error = error }
}
