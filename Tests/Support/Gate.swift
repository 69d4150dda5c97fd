import Synchronization

/// A gate that holds calls until it is opened, and tells when a number of them stand before it.
package final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
    var arrivals = 0
    var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }
  private let state = Mutex(State())

  package init() {}

  package func pass() async {
    await withCheckedContinuation { continuation in
      let (isOpen, ready) = state.withLock { state in
        state.arrivals += 1
        let ready = state.watchers.filter { $0.count <= state.arrivals }.map(\.continuation)
        state.watchers.removeAll { $0.count <= state.arrivals }
        if !state.isOpen { state.waiting.append(continuation) }
        return (state.isOpen, ready)
      }
      if isOpen { continuation.resume() }
      for watcher in ready { watcher.resume() }
    }
  }

  package func arrived(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.arrivals >= count { return true }
        state.watchers.append((count, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  package func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}

/// Counts calls from many tasks.
package final class Counter: Sendable {
  private let count = Atomic(0)

  package init() {}

  /// The number after counting one more.
  package func next() -> Int { count.add(1, ordering: .relaxed).newValue }
  package var value: Int { count.load(ordering: .relaxed) }
}
