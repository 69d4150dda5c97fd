private import Glibc
internal import SQLCore
internal import Threads

/// A thread with its connection: runs bodies in transactions, and decides here, and nowhere else,
/// whether one runs again.
final class PostgresWorker {
  private let url: String
  private let queue: PostgresQueue
  private let configuration: PostgresConfiguration
  private let state: PostgresState
  private var connection: PostgresConnection?
  private var outage: Outage?

  /// The time without a connection.
  private struct Outage {
    let since: ContinuousClock.Instant
    var attempts: Int
    var nextAttempt: ContinuousClock.Instant
    var error: SQLError
  }

  /// What became of one run of a body.
  private enum Outcome {
    /// The job has its result, or the error in its place.
    case done(SQLError?)
    /// Nothing was changed, and the body may run again.
    case again(PostgresFailure)
  }

  init(
    url: String, queue: PostgresQueue, configuration: PostgresConfiguration, state: PostgresState
  ) {
    self.url = url
    self.queue = queue
    self.configuration = configuration
    self.state = state
  }

  /// Works until the queue is closed and empty.
  func run() {
    while let work = queue.pop() {
      var isHandedBack = false
      switch work {
      case .read(let job): isHandedBack = !run(job)
      case .writes(let jobs):
        // Where one of them took the common transaction with it, only that one fails apart.
        if jobs.count == 1 || !together(jobs) {
          for job in jobs where !run(job) { isHandedBack = true }
        }
        queue.writesEnded()
      }
      if isHandedBack, let outage { sleep(outage.nextAttempt - .now) }
    }
    if let connection { drop(connection) }
  }

  /// Runs a body in a transaction of its own until it is settled. False when it was left to a thread
  /// that has a connection, as when the server gives out no more of them.
  private func run(_ job: any PostgresJob) -> Bool {
    var runs = 0
    var losses = 0
    while true {
      let outcome: Outcome
      do {
        outcome = attempt(job, try connected())
      } catch {
        if state.hasConnections, queue.push(job) == .accepted { return false }
        job.finish(error)
        return true
      }
      dropIfLost()
      switch outcome {
      case .done(let error):
        job.finish(error)
        return true
      case .again(let failure):
        runs += 1
        if failure.consequence == .lost {
          losses += 1
          // A server that shuts down tells so before it hangs up.
          if let connection { drop(connection) }
        }
        if runs >= configuration.maximumAttempts || losses > 2 {
          job.finish(failure.error)
          return true
        }
        if failure.consequence == .collision {
          state.count(\.collisions)
          pause(configuration.collisionPause, attempt: runs)
        }
      }
    }
  }

  private func attempt(_ job: any PostgresJob, _ connection: PostgresConnection) -> Outcome {
    do {
      if job.isReadOnly { try connection.enqueue(.beginRead) } else { try connection.beginWrite() }
    } catch {
      return error.consequence == .lost ? .again(error) : .done(error.error)
    }
    let transaction = PostgresTransaction(connection, .whole)
    connection.body = 0
    let isKept = job.run(in: transaction)
    connection.body = nil
    if isKept && !job.isReadOnly { return commit(connection) }
    let rollback = rollBack(connection)
    // What a body has read is good only if it began at all.
    let failure = transaction.failure ?? (isKept ? rollback : nil)
    guard let failure, failure.consequence != .none else { return .done(nil) }
    return again(failure)
  }

  /// Commits the one body that has run.
  private func commit(_ connection: PostgresConnection) -> Outcome {
    do {
      try connection.run(.commit)
    } catch {
      if error.leavesCommitOpen { return .done(Self.unknownOutcome(error)) }
      let failure = connection.undone(error, .whole)
      rollBack(connection)
      return failure.consequence == .none ? .done(failure.error) : again(failure)
    }
    state.countCommit(of: 1)
    return .done(nil)
  }

  private func again(_ failure: PostgresFailure) -> Outcome {
    if failure.consequence == .staleStatements { connection?.dropStatements() }
    return .again(failure)
  }

  /// Rolls back what is open; a connection that cannot do even this is closed, which does it as well.
  @discardableResult
  private func rollBack(_ connection: PostgresConnection) -> PostgresFailure? {
    do {
      try connection.rollBack()
      return nil
    } catch {
      drop(connection)
      return error
    }
  }

  /// Runs the bodies in one transaction. False when that transaction was lost to one of them and none
  /// has been finished.
  private func together(_ jobs: [any PostgresJob]) -> Bool {
    guard let connection = try? connected() else { return false }
    var batch = PostgresBatch(jobs)
    let outcome = batch.run(on: connection)
    switch outcome {
    case .committed:
      state.countCommit(of: jobs.count)
      batch.finish(nil)
      return true
    case .unknown(let failure): batch.finish(Self.unknownOutcome(failure))
    case .refused(let error):
      rollBack(connection)
      batch.finish(error)
    case .apart(let failure):
      rollBack(connection)
      if failure.consequence == .collision { state.count(\.collisions) }
      if failure.consequence == .staleStatements { self.connection?.dropStatements() }
    }
    dropIfLost()
    if case .apart = outcome { return false }
    return true
  }

  private static func unknownOutcome(_ failure: PostgresFailure) -> SQLError {
    SQLError(
      .connectionLost,
      """
      the connection was lost during a commit, whose outcome is unknown: \(failure.error.message)
      """)
  }

  private func dropIfLost() {
    if let connection, connection.isLost { drop(connection) }
  }

  private func drop(_ lost: PostgresConnection) {
    lost.close()
    connection = nil
    state.disconnected()
  }

  /// The connection, made where there is none. Waits for a server that is away as long as the
  /// configuration's patience lasts, and not at all where other threads have a connection.
  private func connected() throws(SQLError) -> PostgresConnection {
    if let connection { return connection }
    while true {
      if let outage, outage.nextAttempt > .now {
        let isHopeless = outage.since + configuration.reconnectPatience <= outage.nextAttempt
        if isHopeless || state.hasConnections { throw outage.error }
        sleep(outage.nextAttempt - .now)
      }
      do {
        let made = try PostgresConnection(url: url, configuration: configuration)
        connection = made
        outage = nil
        state.connected()
        return made
      } catch {
        remember(error)
      }
    }
  }

  private func remember(_ error: SQLError) {
    let now = ContinuousClock.now
    let attempts = (outage?.attempts ?? 0) + 1
    if attempts == 1 { configuration.onOutage?(error) }
    outage = Outage(
      since: outage?.since ?? now, attempts: attempts,
      nextAttempt: now + jitter(configuration.reconnectPause, attempt: attempts), error: error)
  }

  private func pause(_ first: Duration, attempt: Int) {
    sleep(jitter(first, attempt: attempt))
  }

  /// A random part of a pause that doubles from attempt to attempt.
  private func jitter(_ first: Duration, attempt: Int) -> Duration {
    let longest = first * (1 << min(attempt - 1, 6))
    return longest * Int.random(in: 1...1000) / 1000
  }

  private func sleep(_ duration: Duration) {
    let (seconds, attoseconds) = max(duration, .zero).components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    // Nothing interrupts it: the thread takes no signals.
    unsafe nanosleep(&time, nil)
  }
}
