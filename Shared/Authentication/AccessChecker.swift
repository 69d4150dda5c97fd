package import RPCCore

/// Asks what a caller may do at this moment (ORG-4): identical questions that come while one is
/// under way share the next call, nothing is kept beyond that, and a question without an answer is
/// refused with UNAVAILABLE.
package struct AccessChecker: Sendable {
  private let question: @Sendable (AccessSubject, CallOptions) async throws -> Access
  private let coalescer = RequestCoalescer<AccessSubject, Access>()

  /// - Parameter question: finds the answer, locally or by an internal call with the given
  ///   options (remaining time, correlation id, trace context).
  package init(
    _ question: @escaping @Sendable (AccessSubject, CallOptions) async throws -> Access
  ) {
    self.question = question
  }

  /// The subject's access now.
  ///
  /// - Throws: `RPCError` UNAVAILABLE (reason `ACCESS_CHECK_UNAVAILABLE`) where the question has no
  ///   answer, DEADLINE_EXCEEDED and `CancellationError` where the call itself ended.
  package func access(_ subject: AccessSubject, _ options: CallOptions) async throws -> Access {
    do {
      return try await coalescer.value(for: subject) { try await question(subject, options) }
    } catch let error as CancellationError {
      throw error
    } catch let error as RPCError where error.code == .deadlineExceeded || error.code == .cancelled
    {
      throw error
    } catch {
      throw RPCError(
        .unavailable, reason: "ACCESS_CHECK_UNAVAILABLE",
        "the caller's rights cannot be checked now; try again in a moment")
    }
  }
}
