/// Answers unary calls on message bytes, without decoding them; the gateway's way through.
package protocol RawUnaryHandler: Sendable {
  /// - Parameters:
  ///   - path: the request's `:path`, `/service/method`.
  ///   - request: one message, without its prefix.
  /// - Throws: `RPCError` to answer the call with it; see `MethodHandler` for other errors.
  func handle(
    method path: String, request: [UInt8], context: ServerContext
  ) async throws -> RawResponse
}

/// A unary answer in bytes.
package struct RawResponse: Sendable, Hashable {
  /// One message, without its prefix.
  package var message: [UInt8]
  package var initialMetadata: Metadata
  package var trailingMetadata: Metadata

  package init(
    message: [UInt8], initialMetadata: Metadata = Metadata(),
    trailingMetadata: Metadata = Metadata()
  ) {
    self.message = message
    self.initialMetadata = initialMetadata
    self.trailingMetadata = trailingMetadata
  }
}
