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
  private let state = Mutex(State.notServing)

  /// - Parameter services: full names, such as `kontor.shop.v1.OrderService`.
  package init(services: [String]) {
    self.services = Set(services).union([""])
  }

  /// Sets the state of the process and of all its services.
  package func set(_ newState: State) {
    state.withLock { $0 = newState }
  }

  /// The state of a service, or nil when this process does not have it.
  package func state(of service: String) -> State? {
    services.contains(service) ? state.withLock { $0 } : nil
  }
}
