internal import Synchronization

/// Lets one task at a time deliver an aggregate's messages.
final class AggregateLocks: Sendable {
  private struct Waiter {
    let number: Int
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    /// The held aggregates with those who wait for them, first come, first served.
    var held: [String: [Waiter]] = [:]
    var waits = 0
    /// Waits whose task was cancelled before they began.
    var cancelled: Set<Int> = []
  }

  private let state = Mutex(State())

  /// How many aggregates are held.
  var count: Int {
    state.withLock { $0.held.count }
  }

  /// Takes the aggregate if nobody holds it.
  func tryAcquire(_ aggregateID: String) -> Bool {
    state.withLock {
      guard $0.held[aggregateID] == nil else { return false }
      $0.held[aggregateID] = []
      return true
    }
  }

  /// Takes the aggregate when its holder has released it; throws when the task is cancelled.
  func acquire(_ aggregateID: String) async throws(CancellationError) {
    let number = state.withLock {
      $0.waits += 1
      return $0.waits
    }
    let isAcquired = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result: Bool? = state.withLock {
          if $0.cancelled.remove(number) != nil { return false }
          guard $0.held[aggregateID] != nil else {
            $0.held[aggregateID] = []
            return true
          }
          $0.held[aggregateID]?.append(Waiter(number: number, continuation: continuation))
          return nil
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      cancel(number, aggregateID)
    }
    // A cancellation that came after the wait has ended leaves its mark.
    state.withLock { _ = $0.cancelled.remove(number) }
    if !isAcquired { throw CancellationError() }
  }

  private func cancel(_ number: Int, _ aggregateID: String) {
    let waiter: Waiter? = state.withLock {
      guard let index = $0.held[aggregateID]?.firstIndex(where: { $0.number == number }) else {
        $0.cancelled.insert(number)
        return nil
      }
      return $0.held[aggregateID]?.remove(at: index)
    }
    waiter?.continuation.resume(returning: false)
  }

  /// Hands the aggregate to the next who waits.
  func release(_ aggregateID: String) {
    let next: Waiter? = state.withLock {
      guard let waiting = $0.held[aggregateID], !waiting.isEmpty else {
        $0.held[aggregateID] = nil
        return nil
      }
      return $0.held[aggregateID]?.removeFirst()
    }
    next?.continuation.resume(returning: true)
  }
}
