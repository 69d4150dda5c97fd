internal import SQLCore

/// Bodies that are committed together, each behind a savepoint of its own.
///
/// A body's last statements are not waited for, so that their failure may show while a later body
/// runs. The transaction then goes back to the savepoint of the one that failed, and those after it
/// run once more.
struct PostgresBatch {
  /// How it ended.
  enum Outcome {
    case committed
    /// Nothing was changed, and each body may run in a transaction of its own.
    case apart(PostgresFailure)
    /// Nothing was changed, for a reason that meets all alike.
    case refused(SQLError)
    /// The connection was lost while the commit was under way.
    case unknown(PostgresFailure)
  }

  private let jobs: [any PostgresJob]
  /// Errors in place of what a body has returned.
  private var errors: [SQLError?]
  /// Which bodies have an error of their own, and nothing to be kept.
  private var isRefused: [Bool]
  private var next = 0

  init(_ jobs: [any PostgresJob]) {
    self.jobs = jobs
    errors = Array(repeating: nil, count: jobs.count)
    isRefused = Array(repeating: false, count: jobs.count)
  }

  /// Runs all bodies and commits. Whatever is left of a transaction that was not committed is the
  /// caller's to roll back.
  mutating func run(on connection: PostgresConnection) -> Outcome {
    defer { connection.body = nil }
    var isCommitSent = false
    do throws(PostgresFailure) {
      try connection.beginWrite()
      while true {
        isCommitSent = next == jobs.count
        let failure = isCommitSent ? commit(on: connection) : try runNext(on: connection)
        guard let failure else {
          if isCommitSent { return .committed }
          continue
        }
        guard failure.consequence == .none, let body = failure.body else { throw failure }
        if !isRefused[body] { errors[body] = failure.error }
        try connection.enqueue(.release)
        next = body + 1
      }
    } catch {
      if isCommitSent && error.leavesCommitOpen { return .unknown(error) }
      let isOfAll = error.kind == .begin && error.consequence == .none
      return isOfAll ? .refused(error.error) : .apart(error)
    }
  }

  /// Runs a body. The failure of the earliest body that failed, to whose savepoint the transaction
  /// has gone back.
  private mutating func runNext(
    on connection: PostgresConnection
  ) throws(PostgresFailure) -> PostgresFailure? {
    connection.body = nil
    try connection.enqueue(.savepoint)
    connection.body = next
    let transaction = PostgresTransaction(connection, .savepoint)
    let isKept = jobs[next].run(in: transaction)
    connection.body = nil
    if let failure = transaction.failure {
      // Its own error is its result already.
      if failure.body == next { isRefused[next] = true }
      return failure
    }
    isRefused[next] = !isKept
    errors[next] = nil
    if !isKept { try connection.enqueue(.rollbackToSavepoint) }
    try connection.enqueue(.release)
    next += 1
    return nil
  }

  private func commit(on connection: PostgresConnection) -> PostgresFailure? {
    do {
      try connection.run(.commit)
      return nil
    } catch {
      return connection.undone(error, .savepoint)
    }
  }

  /// Hands all results to their callers; the error, if there is one, in place of each.
  func finish(_ error: SQLError?) {
    for (job, own) in zip(jobs, errors) { job.finish(error ?? own) }
  }
}
