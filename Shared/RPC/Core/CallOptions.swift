/// Options of one client call.
package struct CallOptions: Sendable {
  /// Time for the whole call, retries included; nil for none. Zero or less fails at once with
  /// DEADLINE_EXCEEDED.
  package var timeout: Duration?
  /// Request metadata.
  package var metadata: Metadata
  /// True: wait for a connection until the deadline instead of failing with UNAVAILABLE.
  package var waitForReady: Bool
  /// How messages are sent; nil for the channel's way, identity if it has none. The server must
  /// know it.
  package var compression: MessageCompression?
  /// True: the server may answer compressed, as it also may when messages are sent so.
  package var acceptsCompression: Bool
  /// Receives metadata and more of this call; nil when nobody asks. One for each call.
  package var response: ClientResponse?

  package init(
    timeout: Duration? = nil, metadata: Metadata = Metadata(), waitForReady: Bool = false,
    compression: MessageCompression? = nil, acceptsCompression: Bool = false,
    response: ClientResponse? = nil
  ) {
    self.timeout = timeout
    self.metadata = metadata
    self.waitForReady = waitForReady
    self.compression = compression
    self.acceptsCompression = acceptsCompression
    self.response = response
  }
}
