internal import SQLCore
internal import Synchronization

/// What has been committed since the database was opened.
package struct SQLiteStatistics: Sendable, Hashable {
  /// Commits, each one fsync.
  package var commits = 0
  /// Bodies that these commits made durable, or that ended in an error of their own.
  package var bodies = 0
}

/// What the threads of one database and its callers share.
final class SQLiteState: Sendable {
  private struct State {
    var failure: SQLError?
    var statistics = SQLiteStatistics()
    var runningThreads = 0
    var isClosed = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  /// Why writes are refused; nil while all is well.
  var failure: SQLError? {
    state.withLock { $0.failure }
  }

  var statistics: SQLiteStatistics {
    state.withLock { $0.statistics }
  }

  func countCommit(of bodies: Int) {
    state.withLock {
      $0.statistics.commits += 1
      $0.statistics.bodies += bodies
    }
  }

  /// Refuses writes from here on; false when they were refused before.
  func stop(_ error: SQLError) -> Bool {
    state.withLock {
      if $0.failure != nil { return false }
      $0.failure = SQLError(
        .stopped, "writes are refused since a commit was not made durable: \(error.message)")
      return true
    }
  }

  func threadStarted() {
    state.withLock { $0.runningThreads += 1 }
  }

  /// Whether the ending thread is the last one, which then closes everything.
  func threadEnded() -> Bool {
    state.withLock {
      $0.runningThreads -= 1
      return $0.runningThreads == 0
    }
  }

  /// Wakes all who wait for the end.
  func closed() {
    let waiting = state.withLock {
      $0.isClosed = true
      let waiting = $0.waiting
      $0.waiting = []
      return waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func waitUntilClosed() async {
    await withCheckedContinuation { continuation in
      let isClosed = state.withLock {
        if !$0.isClosed { $0.waiting.append(continuation) }
        return $0.isClosed
      }
      if isClosed { continuation.resume() }
    }
  }
}
