private import CSQLite
internal import SQLCore
internal import Threads

/// The writer's thread: takes all bodies that wait and commits them together, so that one fsync
/// makes all of them durable.
///
/// A savepoint for each body would have SQLite copy every page that the body changes. Bodies run
/// without one until a body fails that has changed something: then the batch begins anew, with
/// savepoints, and so do the next ones, in case it is followed by its like.
///
/// Unchecked, because the compiler cannot see that only the writer's thread touches it once it runs.
final class SQLiteWriter: @unchecked Sendable {
  /// How many batches run with savepoints after a failure.
  private static let carefulBatches = 16
  /// From how many on the bodies of a commit are answered by the other thread.
  private static let answeredHere = 16

  private let connection: SQLiteConnection
  private let queue: BoundedQueue<any SQLiteJob>
  private let answers: BoundedQueue<SQLiteAnswer>
  private let configuration: SQLiteConfiguration
  private let state: SQLiteState
  private var carefulBatchesLeft = 0

  init(
    connection: SQLiteConnection, queue: BoundedQueue<any SQLiteJob>,
    answers: BoundedQueue<SQLiteAnswer>, configuration: SQLiteConfiguration, state: SQLiteState
  ) {
    self.connection = connection
    self.queue = queue
    self.answers = answers
    self.configuration = configuration
    self.state = state
  }

  /// Works until the queue is closed and empty; then the answers' is closed.
  func run() {
    defer { answers.close() }
    while true {
      let jobs = queue.pop(upTo: configuration.batchSize)
      if jobs.isEmpty { return }
      write(jobs)
      checkpointIfLong()
    }
  }

  private func write(_ jobs: [any SQLiteJob]) {
    if let failure = state.failure {
      finish(jobs, failure)
    } else if jobs.count == 1 {
      alone(jobs[0])
    } else if !together(jobs) {
      // One of them ended the common transaction; apart, only that one fails.
      for job in jobs {
        if let failure = state.failure { job.finish(failure) } else { alone(job) }
      }
    }
  }

  /// Commits the bodies in one transaction. False when that transaction was lost to one of them
  /// and none has been finished.
  private func together(_ jobs: [any SQLiteJob]) -> Bool {
    if let error = begin() {
      finish(jobs, error)
      return true
    }
    let hasSavepoints = carefulBatchesLeft > 0
    if hasSavepoints { carefulBatchesLeft -= 1 }
    for job in jobs {
      if hasSavepoints && !isDone(connection.run(.savepoint)) { return abandon() }
      let transaction = SQLiteTransaction(connection, maximumRows: configuration.maximumRows)
      let isKept = job.run(in: transaction)
      guard connection.isInTransaction else { return false }
      if hasSavepoints {
        if !isKept && !isDone(connection.run(.rollbackToSavepoint)) { return abandon() }
        guard isDone(connection.run(.release)) else { return abandon() }
      } else if !isKept && transaction.hasChanges {
        connection.rollBack()
        carefulBatchesLeft = Self.carefulBatches
        return together(jobs)
      }
    }
    if let error = commit(jobs.count) {
      // A deferred foreign key is checked only here and is the fault of one of them.
      if case .foreignKey = error.code { return false }
      finish(jobs, error)
    } else {
      finish(jobs, nil)
    }
    return true
  }

  private func alone(_ job: any SQLiteJob) {
    if let error = begin() { return job.finish(error) }
    let transaction = SQLiteTransaction(connection, maximumRows: configuration.maximumRows)
    if job.run(in: transaction) {
      job.finish(commit(1))
    } else {
      connection.rollBack()
      job.finish(nil)
    }
  }

  private func begin() -> SQLError? {
    let code = connection.begin(.beginImmediate)
    return isDone(code) ? nil : connection.error(code, while: "begin a transaction")
  }

  /// Commits; after an error everything is rolled back.
  private func commit(_ bodies: Int) -> SQLError? {
    let code = connection.run(.commit)
    if isDone(code) {
      state.countCommit(of: bodies)
      return nil
    }
    let error = connection.error(code, while: "commit")
    connection.rollBack()
    if error.code == .io || error.code == .corrupt { stop(error) }
    return error
  }

  private func abandon() -> Bool {
    connection.rollBack()
    return false
  }

  /// After a failed fsync the kernel may have dropped the pages and report the next one as done:
  /// nothing written from here on could be relied on.
  private func stop(_ error: SQLError) {
    connection.keepLogOnClose()
    guard state.stop(error) else { return }
    configuration.onFailure?(error)
  }

  private func checkpointIfLong() {
    guard state.failure == nil, !configuration.isGuest,
      let length = connection.logLength(every: configuration.checkpointPages)
    else { return }
    // Readers that overlap without a gap keep the log from starting over; when it has become very
    // long they are waited for.
    let isVeryLong = length >= 8 * configuration.checkpointPages
    let code = connection.checkpoint(restarting: isVeryLong)
    let error = isDone(code) ? nil : connection.error(code, while: "checkpoint")
    // A full disk or a busy reader leaves the log to the next attempt.
    if let error, error.code == .io || error.code == .corrupt { stop(error) }
  }

  private func finish(_ jobs: [any SQLiteJob], _ error: SQLError?) {
    let answer = SQLiteAnswer(jobs: jobs, error: error)
    // A few are answered sooner than another thread wakes up.
    if jobs.count < Self.answeredHere || answers.push(answer) != .accepted { answer.give() }
  }

  private func isDone(_ code: Int32) -> Bool {
    code == SQLITE_DONE || code == SQLITE_OK
  }
}
