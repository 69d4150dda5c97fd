private import CSQLite
internal import SQLCore
internal import Threads

/// A reader's thread: runs one body at a time, each on one snapshot.
final class SQLiteReader: Sendable {
  private let connection: SQLiteConnection
  private let queue: BoundedQueue<any SQLiteJob>
  private let configuration: SQLiteConfiguration

  init(
    connection: SQLiteConnection, queue: BoundedQueue<any SQLiteJob>,
    configuration: SQLiteConfiguration
  ) {
    self.connection = connection
    self.queue = queue
    self.configuration = configuration
  }

  /// Works until the queue is closed and empty.
  func run() {
    while let job = queue.pop(upTo: 1).first { read(job) }
  }

  private func read(_ job: any SQLiteJob) {
    let code = connection.begin(.begin)
    guard code == SQLITE_DONE else {
      return job.finish(connection.error(code, while: "begin a transaction"))
    }
    let transaction = SQLiteTransaction(connection, maximumRows: configuration.maximumRows)
    _ = job.run(in: transaction)
    connection.rollBack()
    job.finish(nil)
  }
}
