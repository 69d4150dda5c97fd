/// Options of one client call.
package struct CallOptions: Sendable {
  /// Time for the whole call, retries included; nil for none. Zero or less fails at once with
  /// DEADLINE_EXCEEDED.
  package var timeout: Duration?
  /// Request metadata.
  package var metadata: Metadata
  /// True: wait for a connection until the deadline instead of failing with UNAVAILABLE.
  package var waitForReady: Bool

  package init(
    timeout: Duration? = nil, metadata: Metadata = Metadata(), waitForReady: Bool = false
  ) {
    self.timeout = timeout
    self.metadata = metadata
    self.waitForReady = waitForReady
  }
}
