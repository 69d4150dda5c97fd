internal import SQLCore
internal import Threads

/// What the bodies of one commit are told. A thread of its own does so while the writer's takes the
/// next ones.
struct SQLiteAnswer: Sendable {
  let jobs: [any SQLiteJob]
  /// In place of the results.
  let error: SQLError?

  func give() {
    for job in jobs { job.finish(error) }
  }

  /// Gives answers until the queue is closed and empty.
  static func run(_ queue: BoundedQueue<SQLiteAnswer>) {
    while let answer = queue.pop(upTo: 1).first { answer.give() }
  }
}
