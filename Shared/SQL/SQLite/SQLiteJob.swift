internal import SQLCore

/// A body that waits for its turn, without its result's type.
protocol SQLiteJob: AnyObject, Sendable {
  /// Runs the body and keeps its result; whether its changes are to be kept.
  func run(in transaction: SQLiteTransaction) -> Bool
  /// Hands the result, or the error in its place, to the waiting task. Called once.
  func finish(_ error: SQLError?)
}

/// A body with the task that waits for its result.
///
/// Unchecked, because the compiler cannot see that the queue's lock hands it from the caller to
/// exactly one thread, which alone touches `result`. That thread finishes each job once, so that the
/// continuation need not be checked, which costs an object for each.
@safe
final class SQLiteBody<Value: Sendable>: SQLiteJob, @unchecked Sendable {
  private let body: @Sendable (any Transaction) throws -> Value
  private let continuation: UnsafeContinuation<Value, any Error>
  private var result: Result<Value, any Error>?

  init(
    _ body: @escaping @Sendable (any Transaction) throws -> Value,
    _ continuation: UnsafeContinuation<Value, any Error>
  ) {
    self.body = body
    unsafe self.continuation = continuation
  }

  func run(in transaction: SQLiteTransaction) -> Bool {
    defer { transaction.end() }
    do {
      let value = try body(transaction)
      if let failure = transaction.failure {
        // A body that swallowed a statement's error has nothing saved, as in PostgreSQL.
        result = .failure(failure)
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
      unsafe continuation.resume(throwing: error)
    } else if let result {
      unsafe continuation.resume(with: result)
    } else {
      unsafe continuation.resume(throwing: SQLError(.other, "the transaction was not run"))
    }
  }
}
