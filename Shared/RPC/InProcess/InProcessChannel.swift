package import Logging
internal import Messages
package import RPCCore
internal import Synchronization

/// A client's channel to services in the same process, with what calls over the network have:
/// deadlines, cancellation, metadata, statuses, limits, back-pressure and interceptors. Messages go
/// through as bytes.
///
/// Handlers run in tasks of their own, also those of unary calls.
package final class InProcessChannel: ClientChannel {
  private struct State {
    var isClosed = false
    var running = 0
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let methods: [String: MethodHandler]
  let interceptors: [any ServerInterceptor]
  let fallback: (any RawHandler)?
  private let peer: Peer
  let limits: InProcessLimits
  private let compression: MessageCompression
  let logger: Logger
  private let state = Mutex(State())

  /// - Parameters:
  ///   - interceptors: run around every handler, the first outermost.
  ///   - fallback: answers paths that no service has.
  ///   - peer: who the handlers take the client for.
  ///   - compression: of the calls that do not say it themselves. Nothing is compressed, but both
  ///     sides are told so.
  package init(
    _ services: [ServiceRegistration], interceptors: [any ServerInterceptor] = [],
    fallback: (any RawHandler)? = nil, peer: Peer = Peer(),
    limits: InProcessLimits = InProcessLimits(), compression: MessageCompression = .identity,
    logger: Logger = Logger(label: "in-process", factory: { _ in SwiftLogNoOpLogHandler() })
  ) {
    var methods: [String: MethodHandler] = [:]
    for handler in services.flatMap(\.methods) {
      let other = methods.updateValue(handler, forKey: handler.method.path)
      precondition(other == nil, "a method is registered once")
    }
    self.methods = methods
    self.interceptors = interceptors
    self.fallback = fallback
    self.peer = peer
    self.limits = limits
    self.compression = compression
    self.logger = logger
  }

  package func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    guard !Task.isCancelled else { throw RPCError(.cancelled, "the call was cancelled") }
    let call = try begin(method, options)
    return try await withTaskCancellationHandler {
      do {
        return try await call.unary(request)
      } catch let error as RPCError {
        throw error
      } catch {
        throw RPCError(.cancelled, "the call was cancelled")
      }
    } onCancel: {
      call.cancel()
    }
  }

  package func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream {
    InProcessClientStream(call: try begin(method, options))
  }

  package func close() async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        state.isClosed = true
        guard state.running > 0 else { return true }
        state.waiters.append(continuation)
        return false
      }
      if isDone { continuation.resume() }
    }
  }

  /// Starts a call and its handler.
  private func begin(_ method: MethodDescriptor, _ options: CallOptions) throws -> InProcessCall {
    let response = options.response ?? ClientResponse()
    do throws(RPCError) {
      if let timeout = options.timeout, timeout <= .zero {
        throw RPCError(.deadlineExceeded, "the deadline has passed")
      }
      try check(options.metadata)
      guard enter() else { throw RPCError(.unavailable, "the channel is closed") }
    } catch {
      response.end(error.metadata)
      throw error
    }
    let (target, descriptor) = target(method)
    let call = InProcessCall(
      channel: self, context: context(descriptor, options), response: response,
      compression: options.compression ?? compression,
      acceptsCompression: options.acceptsCompression)
    call.start(target)
    return call
  }

  /// Refuses metadata that must not be sent.
  private func check(_ metadata: Metadata) throws(RPCError) {
    var size = 0
    for entry in metadata.entries {
      if let fault = entry.fault { throw fault }
      size += entry.listBytes
    }
    guard size <= limits.maximumMetadataBytes else {
      throw RPCError(.resourceExhausted, "the call's metadata is too long to be sent")
    }
  }

  private func target(_ method: MethodDescriptor) -> (InProcessCall.Target, MethodDescriptor) {
    if let handler = methods[method.path] { return (.method(handler), handler.method) }
    guard let fallback,
      let descriptor = fallback.method(at: method.path) ?? MethodDescriptor(path: method.path)
    else { return (.nobody, method) }
    return (.fallback(fallback, descriptor), descriptor)
  }

  /// The context of a call, its metadata as a server reads them.
  private func context(_ method: MethodDescriptor, _ options: CallOptions) -> ServerContext {
    var metadata = options.metadata
    let correlationID = metadata.values(ServerContext.correlationHeader).last
    let traceparent = metadata.values(ServerContext.traceHeader).last
    metadata.remove(ServerContext.correlationHeader)
    metadata.remove(ServerContext.traceHeader)
    return ServerContext(
      method: method, metadata: metadata,
      deadline: options.timeout.map { Deadline(after: $0) }, peer: peer,
      correlationID: correlationID.flatMap {
        HeaderNames.isCorrelationID($0.utf8) ? .given($0) : nil
      }
        ?? .made(.random(in: 0 ... .max)),
      traceparent: traceparent.flatMap { $0.utf8.count <= 128 ? $0 : nil })
  }

  // MARK: Calls under way

  private func enter() -> Bool {
    state.withLock { state in
      guard !state.isClosed else { return false }
      state.running += 1
      return true
    }
  }

  /// A call is over.
  func leave() {
    let waiters = state.withLock { state in
      state.running -= 1
      guard state.running == 0 else { return [CheckedContinuation<Void, Never>]() }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}
