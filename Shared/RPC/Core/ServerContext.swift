package import SharedDomain

/// What a handler knows about the call beyond its request.
package struct ServerContext: Sendable {
  package let method: MethodDescriptor
  /// Request metadata without what the transport consumed (`grpc-*`, `te`, `content-type`…).
  package let metadata: Metadata
  /// Nil when the caller set none.
  package let deadline: Deadline?
  package let peer: Peer
  /// Joins the log lines of one call through all services; never empty.
  package let correlationID: String
  /// The W3C trace context header, as it came.
  package let traceparent: String?
  /// The signed-in caller; nil until an interceptor has found out, and for public methods.
  package var principal: Principal?
  /// True when the one request of a unary or server-streaming call came compressed.
  package var isRequestCompressed = false
  /// What the answer carries besides its messages.
  package var response: ServerResponse

  package init(
    method: MethodDescriptor, metadata: Metadata = Metadata(), deadline: Deadline? = nil,
    peer: Peer = Peer(), correlationID: String = "none", traceparent: String? = nil,
    principal: Principal? = nil, response: ServerResponse = ServerResponse()
  ) {
    self.method = method
    self.metadata = metadata
    self.deadline = deadline
    self.peer = peer
    self.correlationID = correlationID
    self.traceparent = traceparent
    self.principal = principal
    self.response = response
  }

  /// Options for an internal call made on behalf of this one: the remaining time, the correlation
  /// id and the trace context.
  package func callOptions() -> CallOptions {
    var options = CallOptions(timeout: deadline?.remaining)
    options.metadata.append(Self.correlationHeader, correlationID)
    if let traceparent { options.metadata.append(Self.traceHeader, traceparent) }
    return options
  }

  /// The metadata name that carries the correlation id.
  package static let correlationHeader = "x-correlation-id"
  /// The metadata name that carries the W3C trace context.
  package static let traceHeader = "traceparent"
}
