internal import SQLCore

/// A body that waits for its turn, without its result's type.
protocol PostgresJob: AnyObject, Sendable {
  var isReadOnly: Bool { get }
  /// Runs the body and keeps its result in place of an earlier run's; whether its changes are to be
  /// kept.
  func run(in transaction: PostgresTransaction) -> Bool
  /// Hands the result, or the error in its place, to the waiting task. Called once.
  func finish(_ error: SQLError?)
}

/// A body with the task that waits for its result.
///
/// Unchecked, because the compiler cannot see that the queue's lock hands it from the caller to
/// exactly one thread, which alone touches `result`.
final class PostgresBody<Value: Sendable>: PostgresJob, @unchecked Sendable {
  let isReadOnly: Bool
  private let body: @Sendable (any Transaction) throws -> Value
  private let continuation: CheckedContinuation<Value, any Error>
  private var result: Result<Value, any Error>?

  init(
    isReadOnly: Bool, _ body: @escaping @Sendable (any Transaction) throws -> Value,
    _ continuation: CheckedContinuation<Value, any Error>
  ) {
    self.isReadOnly = isReadOnly
    self.body = body
    self.continuation = continuation
  }

  func run(in transaction: PostgresTransaction) -> Bool {
    defer { transaction.end() }
    do {
      let value = try body(transaction)
      if let failure = transaction.failure {
        // A body that swallowed a statement's error has nothing saved.
        result = .failure(failure.error)
        return false
      }
      result = .success(value)
      return true
    } catch {
      result = .failure(error)
      return false
    }
  }

  func finish(_ error: SQLError?) {
    if let error {
      continuation.resume(throwing: error)
    } else if let result {
      continuation.resume(with: result)
    } else {
      continuation.resume(throwing: SQLError(.other, "the transaction was not run"))
    }
  }
}
