internal import Synchronization

/// Wakes one waiting task; a signal that comes while nobody waits is kept for the next wait.
final class WakeSignal: Sendable {
  private struct State {
    var isSet = false
    var waiting: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  func set() {
    let waiting = state.withLock {
      let waiting = $0.waiting
      $0.waiting = nil
      $0.isSet = waiting == nil
      return waiting
    }
    waiting?.resume()
  }

  /// Returns after the next signal, or when the task is cancelled. One task waits at a time.
  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isSet = state.withLock {
          precondition($0.waiting == nil, "two tasks wait for one signal")
          if $0.isSet || Task.isCancelled {
            $0.isSet = false
            return true
          }
          $0.waiting = continuation
          return false
        }
        if isSet { continuation.resume() }
      }
    } onCancel: {
      let waiting = state.withLock {
        let waiting = $0.waiting
        $0.waiting = nil
        return waiting
      }
      waiting?.resume()
    }
  }
}
