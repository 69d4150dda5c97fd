internal import SQLCore
internal import Synchronization

/// What the threads of one database and its callers share.
final class PostgresState: Sendable {
  private struct State {
    var statistics = PostgresStatistics()
    var connections = 0
    var runningThreads = 0
    var isClosed = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: Mutex<State>

  /// - Parameter threads: how many will call `threadEnded`.
  init(threads: Int) {
    state = Mutex(State(runningThreads: threads))
  }

  var statistics: PostgresStatistics {
    state.withLock { $0.statistics }
  }

  func count(_ event: WritableKeyPath<PostgresStatistics, Int>) {
    state.withLock { $0.statistics[keyPath: event] += 1 }
  }

  /// A transaction that wrote has been committed.
  func countCommit(of bodies: Int) {
    state.withLock {
      $0.statistics.commits += 1
      $0.statistics.bodies += bodies
    }
  }

  /// Whether any thread has a connection.
  var hasConnections: Bool {
    state.withLock { $0.connections > 0 }
  }

  func connected() {
    state.withLock {
      $0.connections += 1
      $0.statistics.connections += 1
    }
  }

  func disconnected() {
    state.withLock { $0.connections -= 1 }
  }

  /// Wakes all who wait for the end when the thread is the last one.
  func threadEnded() {
    let waiting = state.withLock {
      $0.runningThreads -= 1
      guard $0.runningThreads == 0 else { return [CheckedContinuation<Void, Never>]() }
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
