/// How a channel or a subchannel is (gRPC "Connectivity Semantics and API").
package enum ConnectivityState: Sendable, Hashable {
  /// Not connected, and nobody wants it to be.
  case idle
  case connecting
  case ready
  /// Failed; the next attempt waits for the back-off.
  case transientFailure
  /// Closed for good.
  case shutdown
}
