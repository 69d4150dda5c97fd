internal import Synchronization

/// What a client learns about a call besides its messages; given to one call in its options.
///
/// May be used from any task.
package final class ClientResponse: Sendable {
  private struct State {
    var initialMetadata: Metadata?
    var trailingMetadata: Metadata?
    var isCompressed = false
    var waiters: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    var lastWaiter: UInt64 = 0
    var cancelledWaiters: Set<UInt64> = []

    var isDecided: Bool { initialMetadata != nil || trailingMetadata != nil }
  }

  private let state = Mutex(State())

  package init() {}

  /// What came before the first message. Nil until it comes, and for a call that ended without: one
  /// that failed on this side, or that the server answered with a status only.
  package var initialMetadata: Metadata? { state.withLock { $0.initialMetadata } }

  /// What came with the status, OK or not. Nil until the call has ended; empty when it failed on
  /// this side.
  package var trailingMetadata: Metadata? { state.withLock { $0.trailingMetadata } }

  /// True when the one answer of a unary or client-streaming call came compressed.
  package var isCompressed: Bool { state.withLock { $0.isCompressed } }

  /// Waits for `initialMetadata`; nil when the call ends without.
  ///
  /// - Throws: `CancellationError` when the calling task is cancelled.
  package func waitForInitialMetadata() async throws -> Metadata? {
    let id = state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = state.withLock { state in
          if state.cancelledWaiters.remove(id) != nil { return .failure(CancellationError()) }
          if state.isDecided { return .success(()) }
          state.waiters.append((id, continuation))
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Void, any Error>? in
        guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
          if !state.isDecided { state.cancelledWaiters.insert(id) }
          return nil
        }
        return state.waiters.remove(at: index).continuation
      }
      waiter?.resume(throwing: CancellationError())
    }
    return initialMetadata
  }

  // MARK: For transports

  /// The response's headers are here.
  package func begin(_ initialMetadata: Metadata) {
    decide { $0.initialMetadata = $0.initialMetadata ?? initialMetadata }
  }

  /// The call has ended; only the first end counts.
  package func end(_ trailingMetadata: Metadata) {
    decide { $0.trailingMetadata = $0.trailingMetadata ?? trailingMetadata }
  }

  /// The one answer is here.
  package func received(compressed: Bool) { state.withLock { $0.isCompressed = compressed } }

  private func decide(_ change: (inout State) -> Void) {
    let waiters = state.withLock { state in
      change(&state)
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume() }
  }
}
