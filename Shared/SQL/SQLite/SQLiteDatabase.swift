package import SQLCore
internal import Threads

/// A SQLite file that one service owns: one writer thread that commits many waiting bodies
/// together, one that answers them, and a few reader threads.
///
/// Settings: write-ahead log, `synchronous = FULL` (an answered write has been fsynced), foreign
/// keys on, no trusted schema, cells checked when a page is read, deleted content overwritten.
package final class SQLiteDatabase: Database {
  private let writes: BoundedQueue<any SQLiteJob>
  private let reads: BoundedQueue<any SQLiteJob>
  private let state = SQLiteState()

  /// Opens the file, made with mode 0600 where it is missing, and starts the threads.
  ///
  /// Blocks for the file's opening; called at the start of a program. Throws `.cannotOpen` with one
  /// clear line when the directory or the file cannot be used or another process has it open, and
  /// `.corrupt` when the file is no database.
  package convenience init(
    path: String, configuration: SQLiteConfiguration = SQLiteConfiguration()
  ) throws {
    try self.init(path: path, configuration: configuration) {}
  }

  /// - Parameter onClose: called after everything is closed.
  init(
    path: String, configuration: SQLiteConfiguration, onClose: @escaping @Sendable () -> Void
  ) throws {
    precondition(configuration.readers > 0 && configuration.batchSize > 0, "a thread of each kind")
    writes = BoundedQueue(capacity: configuration.queueCapacity)
    reads = BoundedQueue(capacity: configuration.queueCapacity)
    let file = configuration.isGuest ? nil : try SQLiteFile(path: path)
    var connections: [SQLiteConnection] = []
    do {
      for index in 0...configuration.readers {
        connections.append(
          try SQLiteConnection(
            path: SQLiteFile.localPath(path), role: index == 0 ? .writer : .reader,
            configuration: configuration))
      }
      try start(connections, configuration) {
        file?.close()
        onClose()
      }
    } catch {
      if connections.count <= configuration.readers {
        for connection in connections { connection.close() }
        file?.close()
      }
      throw error
    }
  }

  deinit {
    writes.close()
    reads.close()
  }

  private func start(
    _ connections: [SQLiteConnection], _ configuration: SQLiteConfiguration,
    _ onClose: @escaping @Sendable () -> Void
  ) throws {
    let state = state
    let reads = reads
    let answers = BoundedQueue<SQLiteAnswer>(capacity: configuration.queueCapacity)
    let writer = SQLiteWriter(
      connection: connections[0], queue: writes, answers: answers, configuration: configuration,
      state: state)
    var bodies: [@Sendable () -> Void] = [{ writer.run() }, { SQLiteAnswer.run(answers) }]
    for connection in connections.dropFirst() {
      let reader = SQLiteReader(
        connection: connection, queue: reads, configuration: configuration)
      bodies.append { reader.run() }
    }
    // The last thread to end closes all connections, the writer's last: closing it moves the log
    // into the database file.
    let end: @Sendable () -> Void = {
      guard state.threadEnded() else { return }
      for connection in connections.reversed() { connection.close() }
      onClose()
      state.closed()
    }
    for _ in bodies { state.threadStarted() }
    for (index, body) in bodies.enumerated() {
      do {
        try DedicatedThread.start(named: Self.threadName(index)) {
          body()
          end()
        }
      } catch {
        writes.close()
        reads.close()
        answers.close()
        for _ in index..<bodies.count { end() }
        throw error
      }
    }
  }

  private static func threadName(_ index: Int) -> String {
    switch index {
    case 0: "sqlite-writer"
    case 1: "sqlite-answers"
    default: "sqlite-reader"
    }
  }

  package var dialect: Dialect { .sqlite }

  /// Why writes are refused: the first commit or checkpoint that was not made durable. nil while
  /// all is well.
  package var failure: SQLError? { state.failure }

  /// What has been committed since the database was opened.
  package var statistics: SQLiteStatistics { state.statistics }

  /// How many writes wait for the writer's thread.
  package var waitingWrites: Int { writes.count }

  @discardableResult
  package func write<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await enqueue(body, writes)
  }

  package func read<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await enqueue(body, reads)
  }

  private func enqueue<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result,
    _ queue: BoundedQueue<any SQLiteJob>
  ) async throws -> Result {
    try await unsafe withUnsafeThrowingContinuation { continuation in
      switch unsafe queue.push(SQLiteBody(body, continuation)) {
      case .accepted: break
      case .full:
        unsafe continuation.resume(throwing: SQLError(.overloaded, "the database's queue is full"))
      case .closed:
        unsafe continuation.resume(throwing: SQLError(.closed, "the database is closed"))
      }
    }
  }

  package func close() async {
    writes.close()
    reads.close()
    await state.waitUntilClosed()
  }
}
