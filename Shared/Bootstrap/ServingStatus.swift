internal import Synchronization

/// Whether this process serves, as `grpc.health.v1` tells it to peers and orchestrators.
///
/// The process as a whole is the service named by the empty text; the RPC services that it was made
/// with share its state. Before ``set(_:)`` all are NOT_SERVING.
package final class ServingStatus: Sendable {
  /// What a service answers.
  package enum State: Sendable, Hashable {
    case serving, notServing
  }

  /// The RPC services by their full names, the empty one for the process.
  package let services: Set<String>
  private let shared = Mutex(Shared())

  private struct Shared {
    var state = State.notServing
    var watches: [Int: AsyncStream<Void>.Continuation] = [:]
    var lastWatch = 0
    var isClosed = false
  }

  /// - Parameter services: full names, such as `kontor.shop.v1.OrderService`.
  package init(services: [String]) {
    self.services = Set(services).union([""])
  }

  /// Sets the state of the process and of all its services.
  package func set(_ newState: State) {
    let watches = shared.withLock { shared in
      shared.state = newState
      return Array(shared.watches.values)
    }
    for watch in watches { watch.yield() }
  }

  /// A signal at once and after each change: time to ask for the state. Whoever is slow misses
  /// states in between, not the last. Ends with ``endWatches()``.
  package func changes() -> AsyncStream<Void> {
    let (signals, continuation) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    continuation.yield()
    let id = shared.withLock { shared -> Int? in
      guard !shared.isClosed else { return nil }
      shared.lastWatch += 1
      shared.watches[shared.lastWatch] = continuation
      return shared.lastWatch
    }
    guard let id else {
      continuation.finish()
      return signals
    }
    continuation.onTermination = { [weak self] _ in
      _ = self?.shared.withLock { $0.watches.removeValue(forKey: id) }
    }
    return signals
  }

  /// Ends every watch after the state at this time, and later ones at once: a drain waits
  /// for the calls that run, and a watch has no end of its own.
  package func endWatches() {
    let watches = shared.withLock { shared in
      shared.isClosed = true
      defer { shared.watches = [:] }
      return Array(shared.watches.values)
    }
    for watch in watches { watch.finish() }
  }

  /// Returns at ``endWatches()``, or when the task is cancelled.
  package func watchesEnd() async {
    for await _ in changes() {}
  }

  /// The state of a service, or nil when this process does not have it.
  package func state(of service: String) -> State? {
    services.contains(service) ? shared.withLock { $0.state } : nil
  }
}
