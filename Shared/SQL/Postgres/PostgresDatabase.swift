package import SQLCore
internal import Threads

/// A database on a PostgreSQL server, or on one that speaks its protocol: a bounded set of
/// connections, each with a thread of its own.
///
/// Writes are SERIALIZABLE, reads REPEATABLE READ and READ ONLY. Writes that wait are committed
/// together, each behind a savepoint of its own; the writers of all processes take turns by the lock
/// of the table `schema_migration`, where it is. A body that collides with somebody else's
/// transaction, or whose connection is lost before the commit, runs again. When the
/// connection is lost during the commit itself, `.connectionLost` is thrown with a message that says
/// that the outcome is unknown.
///
/// Parameters are declared as bigint, text and bytea; values of columns come back from these, from
/// the smaller whole numbers, boolean (0 and 1), varchar, char, and numeric without a fraction.
package final class PostgresDatabase: Database {
  private let queue: PostgresQueue
  private let state: PostgresState

  /// Starts the threads and makes a first connection.
  ///
  /// - Parameter url: `postgres://user:password@host:port/database?sslmode=verify-full&…`, with the
  ///   options of libpq.
  /// - Parameter isMadeIfMissing: whether the database, not the server, is made where it is missing:
  ///   UTF-8, with text compared bytewise as SQLite does.
  /// - Throws: `.cannotOpen` with one clear line when the server cannot be reached within the
  ///   configuration's patience or refuses; the URL is not quoted.
  package static func open(
    url: String, isMadeIfMissing: Bool = false,
    configuration: PostgresConfiguration = PostgresConfiguration()
  ) async throws -> PostgresDatabase {
    do {
      return try await connected(url, configuration)
    } catch let error as SQLError where error.code == .cannotOpen && isMadeIfMissing {
      try await make(url)
      return try await connected(url, configuration)
    }
  }

  private static func connected(
    _ url: String, _ configuration: PostgresConfiguration
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

  /// Makes the database that the URL names where it is missing.
  private static func make(_ url: String) async throws {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try DedicatedThread.start(named: "postgres-make") {
          continuation.resume(with: Result { try PostgresConnection.makeDatabase(of: url) })
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  /// Starts the threads; each connects when there is work for it, so a server that is away shows in
  /// the first call. Blocks for nothing.
  package init(
    url: String, configuration: PostgresConfiguration = PostgresConfiguration()
  ) throws {
    precondition(
      configuration.connections > 0 && configuration.maximumAttempts > 0
        && configuration.statementCacheSize > 0 && configuration.queueCapacity > 0
        && configuration.batchSize > 0, "one of each at least")
    try PostgresConnection.check(url: url)
    let queue = PostgresQueue(
      capacity: configuration.queueCapacity, batchSize: configuration.batchSize)
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
  package var statistics: PostgresStatistics {
    var statistics = state.statistics
    statistics.waiting = queue.count
    return statistics
  }

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
