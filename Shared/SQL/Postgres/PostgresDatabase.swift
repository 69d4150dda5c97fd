package import SQLCore
internal import Threads

/// A database on a PostgreSQL server, or on one that speaks its protocol: a bounded set of
/// connections, each with a thread of its own.
///
/// Writes are SERIALIZABLE, reads REPEATABLE READ and READ ONLY. A body that collides with a
/// concurrent transaction, or whose connection is lost before the commit, runs again. When the
/// connection is lost during the commit itself, `.connectionLost` is thrown with a message that says
/// that the outcome is unknown.
///
/// Parameters are declared as bigint, text and bytea; values of columns come back from these, from
/// the smaller whole numbers, boolean (0 and 1), varchar, char, and numeric without a fraction.
package final class PostgresDatabase: Database {
  private let queue: BoundedQueue<any PostgresJob>
  private let state: PostgresState

  /// Starts the threads and makes a first connection.
  ///
  /// - Parameter url: `postgres://user:password@host:port/database?sslmode=verify-full&…`, with the
  ///   options of libpq.
  /// - Throws: `.cannotOpen` with one clear line when the server cannot be reached within the
  ///   configuration's patience or refuses; the URL is not quoted.
  package static func open(
    url: String, configuration: PostgresConfiguration = PostgresConfiguration()
  ) async throws -> PostgresDatabase {
    let database = try PostgresDatabase(url: url, configuration: configuration)
    do {
      try await database.read { _ in }
    } catch {
      await database.close()
      throw error
    }
    return database
  }

  /// Starts the threads; each connects when there is work for it, so a server that is away shows in
  /// the first call. Blocks for nothing.
  package init(
    url: String, configuration: PostgresConfiguration = PostgresConfiguration()
  ) throws {
    precondition(
      configuration.connections > 0 && configuration.maximumAttempts > 0
        && configuration.statementCacheSize > 0, "one of each at least")
    try PostgresConnection.check(url: url)
    let queue = BoundedQueue<any PostgresJob>(capacity: configuration.queueCapacity)
    let state = PostgresState(threads: configuration.connections)
    self.queue = queue
    self.state = state
    for index in 0..<configuration.connections {
      do {
        try DedicatedThread.start(named: "postgres") {
          PostgresWorker(url: url, queue: queue, configuration: configuration, state: state).run()
          state.threadEnded()
        }
      } catch {
        queue.close()
        for _ in index..<configuration.connections { state.threadEnded() }
        throw error
      }
    }
  }

  deinit {
    queue.close()
  }

  package var dialect: Dialect { .postgres }

  /// What has happened since the database was opened.
  package var statistics: PostgresStatistics { state.statistics }

  @discardableResult
  package func write<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await enqueue(isReadOnly: false, body)
  }

  package func read<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await enqueue(isReadOnly: true, body)
  }

  private func enqueue<Result: Sendable>(
    isReadOnly: Bool, _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      switch queue.push(PostgresBody(isReadOnly: isReadOnly, body, continuation)) {
      case .accepted: break
      case .full:
        continuation.resume(throwing: SQLError(.overloaded, "the database's queue is full"))
      case .closed:
        continuation.resume(throwing: SQLError(.closed, "the database is closed"))
      }
    }
  }

  package func close() async {
    queue.close()
    await state.waitUntilClosed()
  }
}
