private import Glibc
internal import SQLCore
internal import Threads

/// A thread with its connection: takes one body at a time, runs it in a transaction, and decides
/// here, and nowhere else, whether it runs again.
final class PostgresWorker {
  private let url: String
  private let queue: BoundedQueue<any PostgresJob>
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
    url: String, queue: BoundedQueue<any PostgresJob>, configuration: PostgresConfiguration,
    state: PostgresState
  ) {
    self.url = url
    self.queue = queue
    self.configuration = configuration
    self.state = state
  }

  /// Works until the queue is closed and empty.
  func run() {
    while let job = queue.pop(upTo: 1).first { run(job) }
    if let connection { drop(connection) }
  }

  private func run(_ job: any PostgresJob) {
    var runs = 0
    var losses = 0
    while true {
      let outcome: Outcome
      do {
        outcome = attempt(job, try connected())
      } catch {
        return handBack(job, error)
      }
      if let connection, connection.isLost { drop(connection) }
      switch outcome {
      case .done(let error): return job.finish(error)
      case .again(let failure):
        runs += 1
        if failure.consequence == .lost {
          losses += 1
          // A server that shuts down tells so before it hangs up.
          if let connection { drop(connection) }
        }
        if runs >= configuration.maximumAttempts || losses > 2 { return job.finish(failure.error) }
        if failure.consequence == .collision {
          state.count(\.collisions)
          pause(configuration.collisionPause, attempt: runs)
        }
      }
    }
  }

  /// Leaves the job to a thread that has a connection, as when the server gives out no more of them;
  /// without one it fails.
  private func handBack(_ job: any PostgresJob, _ error: SQLError) {
    guard state.hasConnections, queue.push(job) == .accepted else { return job.finish(error) }
    if let outage { sleep(outage.nextAttempt - .now) }
  }

  private func attempt(_ job: any PostgresJob, _ connection: PostgresConnection) -> Outcome {
    do {
      try connection.run(job.isReadOnly ? .beginRead : .beginWrite)
    } catch {
      return error.consequence == .lost ? .again(error) : .done(error.error)
    }
    let transaction = PostgresTransaction(connection, maximumRows: configuration.maximumRows)
    let isKept = job.run(in: transaction)
    if isKept && !job.isReadOnly { return commit(connection) }
    if connection.isInTransaction {
      // A connection that cannot do even this is closed, which rolls back as well.
      do { try connection.run(.rollback) } catch { drop(connection) }
    }
    switch transaction.failure {
    case let failure? where failure.consequence == .staleStatements:
      self.connection?.dropStatements()
      return .again(failure)
    case let failure? where failure.consequence != .none: return .again(failure)
    default: return .done(nil)
    }
  }

  private func commit(_ connection: PostgresConnection) -> Outcome {
    do {
      try connection.run(.commit)
      state.count(\.commits)
      return .done(nil)
    } catch {
      if error.consequence == .lost {
        return .done(
          SQLError(
            .connectionLost,
            """
            the connection was lost during a commit, whose outcome is unknown: \
            \(error.error.message)
            """))
      }
      let failure = connection.explained(error)
      return failure.consequence == .collision ? .again(failure) : .done(failure.error)
    }
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
