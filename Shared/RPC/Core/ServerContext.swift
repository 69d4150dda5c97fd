package import Logging
package import SharedDomain

/// What a handler knows about the call beyond its request.
@usableFromInline package struct ServerContext: Sendable {
  /// What the copies of a call's context share: one object, so that the many copies on their way
  /// through interceptors cost one reference count each.
  ///
  /// `@unchecked Sendable`: only a transport changes it, for the next call, and only
  /// while there is one context.
  private final class Call: @unchecked Sendable {
    var method: MethodDescriptor
    var metadata: Metadata
    var deadline: Deadline?
    var peer: Peer
    var correlationID: CorrelationID
    var traceparent: String?
    var response: ServerResponse

    init(
      method: MethodDescriptor, metadata: Metadata, deadline: Deadline?, peer: Peer,
      correlationID: CorrelationID, traceparent: String?, response: ServerResponse
    ) {
      self.method = method
      self.metadata = metadata
      self.deadline = deadline
      self.peer = peer
      self.correlationID = correlationID
      self.traceparent = traceparent
      self.response = response
    }
  }

  /// Outside of the context, which is copied more often than somebody signs in.
  private final class Caller: Sendable {
    let principal: Principal

    init(_ principal: Principal) { self.principal = principal }
  }

  private var call: Call
  private var caller: Caller?

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
  package var principal: Principal? {
    get { caller?.principal }
    set { caller = newValue.map { Caller($0) } }
  }
  /// True when the one request of a unary or server-streaming call came compressed.
  package var isRequestCompressed = false
  /// The client's address as the gateway saw it, which drops what clients write there; of several
  /// the last, the nearest proxy's word. Nil for a call between services.
  package var clientAddress: String? { metadata.values(Self.clientAddressHeader).last }
  /// What the answer carries besides its messages.
  package var response: ServerResponse { call.response }
  /// True when the answer is its messages and nothing else.
  package var hasPlainResponse: Bool { call.response.isPlain }

  package init(
    method: MethodDescriptor, metadata: Metadata = Metadata(), deadline: Deadline? = nil,
    peer: Peer = Peer(), correlationID: CorrelationID = "none", traceparent: String? = nil,
    principal: Principal? = nil, response: ServerResponse = ServerResponse()
  ) {
    call = Call(
      method: method, metadata: metadata, deadline: deadline, peer: peer,
      correlationID: correlationID, traceparent: traceparent, response: response)
    caller = principal.map { Caller($0) }
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
  /// The metadata name that carries the client's address.
  package static let clientAddressHeader = "x-forwarded-for"
}

// MARK: For transports

extension ServerContext {
  /// A context to be renewed for the first call.
  package init() { self.init(method: MethodDescriptor(service: "", name: "")) }

  /// Sets the method of a new or cleared context.
  package mutating func setMethod(_ method: MethodDescriptor) {
    // Calls of one method and one connection often follow each other.
    if !call.method.isSame(as: method) { call.method = method }
  }

  /// Makes a new or cleared context that of another call, whose method it has.
  ///
  /// - Parameter metadata: the call's, changed for the room that earlier ones have needed.
  mutating func renew(
    metadata: inout Metadata, deadline: Deadline?, peer: Peer, correlationID: CorrelationID,
    traceparent: String?
  ) {
    swap(&metadata, &call.metadata)
    if !call.peer.isSame(as: peer) { call.peer = peer }
    call.deadline = deadline
    call.correlationID = correlationID
    if traceparent != nil { call.traceparent = traceparent }
  }

  /// Forgets the caller's metadata and what the handler said, at the end of the call; false when
  /// somebody keeps a copy, which stays as it is.
  package mutating func clear() -> Bool {
    guard isAlone else { return false }
    call.metadata.removeAll()
    if case .given = call.correlationID { call.correlationID = .made(0) }
    if call.traceparent != nil { call.traceparent = nil }
    call.response.reset()
    if caller != nil { caller = nil }
    isRequestCompressed = false
    return true
  }

  /// True when no copy of it, or of its response, is left.
  private var isAlone: Bool {
    mutating get {
      isKnownUniquelyReferenced(&call) && isKnownUniquelyReferenced(&call.response)
    }
  }

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
