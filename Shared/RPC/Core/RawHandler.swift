/// Answers the calls that no service of a server has, on message bytes, without decoding them; the
/// gateway's way through.
package protocol RawHandler: Sendable {
  /// The method of a path, which tells the kind of its calls. Those of a path without one are
  /// unary.
  func method(at path: String) -> MethodDescriptor?

  /// Answers a unary call.
  ///
  /// - Parameters:
  ///   - path: the request's `:path`, `/service/method`.
  ///   - request: one message, without its prefix.
  /// - Throws: `RPCError` to answer the call with it; see `MethodHandler` for other errors.
  func handle(
    method path: String, request: [UInt8], context: ServerContext
  ) async throws -> RawResponse

  /// Answers a call of any other kind, which ends OK when this returns.
  ///
  /// - Throws: as for a unary one.
  func handle(_ stream: any RawMessageStream, context: ServerContext) async throws
}

extension RawHandler {
  /// For handlers of unary calls only.
  package func method(at path: String) -> MethodDescriptor? { nil }

  /// For handlers of unary calls only.
  package func handle(_ stream: any RawMessageStream, context: ServerContext) async throws {
    throw RPCError(.unimplemented, reason: "METHOD_UNKNOWN", "no streaming method is known here")
  }
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
