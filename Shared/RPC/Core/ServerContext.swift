package import Logging
package import SharedDomain

/// What a handler knows about the call beyond its request.
package struct ServerContext: Sendable {
  /// What never changes during a call: one object, so that the many copies of a context on its way
  /// through interceptors cost one reference count each.
  private final class Call: Sendable {
    let method: MethodDescriptor
    let metadata: Metadata
    let deadline: Deadline?
    let peer: Peer
    let correlationID: CorrelationID
    let traceparent: String?

    init(
      method: MethodDescriptor, metadata: Metadata, deadline: Deadline?, peer: Peer,
      correlationID: CorrelationID, traceparent: String?
    ) {
      self.method = method
      self.metadata = metadata
      self.deadline = deadline
      self.peer = peer
      self.correlationID = correlationID
      self.traceparent = traceparent
    }
  }

  private let call: Call

  package var method: MethodDescriptor { call.method }
  /// Request metadata without what the transport consumed (`grpc-*`, `te`, `content-type`…).
  package var metadata: Metadata { call.metadata }
  /// Nil when the caller set none.
  package var deadline: Deadline? { call.deadline }
  package var peer: Peer { call.peer }
  /// Joins the log lines of one call through all services; never empty.
  package var correlationID: String { call.correlationID.text }
  /// The W3C trace context header, as it came.
  package var traceparent: String? { call.traceparent }
  /// The signed-in caller; nil until an interceptor has found out, and for public methods.
  package var principal: Principal?
  /// True when the one request of a unary or server-streaming call came compressed.
  package var isRequestCompressed = false
  /// What the answer carries besides its messages.
  package var response: ServerResponse

  package init(
    method: MethodDescriptor, metadata: Metadata = Metadata(), deadline: Deadline? = nil,
    peer: Peer = Peer(), correlationID: CorrelationID = "none", traceparent: String? = nil,
    principal: Principal? = nil, response: ServerResponse = ServerResponse()
  ) {
    call = Call(
      method: method, metadata: metadata, deadline: deadline, peer: peer,
      correlationID: correlationID, traceparent: traceparent)
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

extension ServerContext {
  /// What a handler's error says to the caller: an `RPCError` itself, a `CancellationError` CANCELLED
  /// or DEADLINE_EXCEEDED, anything else INTERNAL with the correlation id, and its text in the log.
  package func status(of error: any Error, logger: Logger) -> RPCError {
    if let error = error as? RPCError {
      return error.code == .ok ? RPCError(.unknown, error.message) : error
    }
    if error is CancellationError {
      return deadline?.isPast == true
        ? RPCError(.deadlineExceeded, reason: "DEADLINE_EXCEEDED", "the deadline has passed")
        : RPCError(.cancelled, "the call was cancelled")
    }
    logger.error(
      "handler failed",
      metadata: [
        "method": "\(method.path)", "correlation_id": "\(correlationID)", "error": "\(error)",
      ])
    return RPCError(
      .internalError, reason: "INTERNAL",
      "internal error; the correlation id is \(correlationID)",
      metadata: ["correlation_id": correlationID])
  }
}
