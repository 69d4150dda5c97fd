package import Logging
internal import NIOCore
package import NIOPosix
package import RPCCore
internal import Synchronization
package import TLS

/// A client's channel to one server or its replicas: connects when first used, multiplexes,
/// balances, reconnects with back-off, tries failed calls again.
///
/// It has connections of its own on each event loop that calls; code that runs on an event loop of
/// the group uses that loop's, so that a service calling another never changes threads.
package final class RPCChannel: ClientChannel {
  /// What a channel connects to, and how.
  package struct Configuration: Sendable {
    package var target: ChannelTarget
    package var tls: TLSClientCredentials
    /// What a server's certificate must carry; nil for the host of the target that it was found by.
    package var serverName: String?
    package var serviceConfig: ServiceConfig
    /// Waits between attempts to connect.
    package var backoff: Backoff
    package var resolver: any NameResolver
    /// How calls send their messages that do not say it themselves.
    package var compression: MessageCompression
    package var limits: RPCLimits

    package init(
      target: ChannelTarget, tls: TLSClientCredentials, serverName: String? = nil,
      serviceConfig: ServiceConfig = .standard, backoff: Backoff = .connection,
      resolver: any NameResolver = SystemNameResolver(),
      compression: MessageCompression = .identity, limits: RPCLimits = .standard
    ) {
      self.target = target
      self.tls = tls
      self.serverName = serverName
      self.serviceConfig = serviceConfig
      self.backoff = backoff
      self.resolver = resolver
      self.compression = compression
      self.limits = limits
    }
  }

  let configuration: Configuration
  let methodConfigs: MethodConfigTable
  private let group: MultiThreadedEventLoopGroup
  private let logger: Logger
  /// Where calls from outside the group go.
  let home: any EventLoop
  private let state = Mutex(State())

  private struct State {
    var isClosed = false
    var parts: [ObjectIdentifier: LoopConfined<LoopChannel>] = [:]
  }

  package init(_ configuration: Configuration, group: MultiThreadedEventLoopGroup, logger: Logger) {
    self.configuration = configuration
    methodConfigs = MethodConfigTable(configuration.serviceConfig)
    self.group = group
    self.logger = logger
    home = group.next()
    ignoreBrokenPipes()
  }

  /// A channel to one host, with everything else as it is by default.
  package convenience init(
    target: HostPort, tls: TLSClientCredentials, serverName: String? = nil,
    limits: RPCLimits = .standard, group: MultiThreadedEventLoopGroup, logger: Logger
  ) {
    self.init(
      Configuration(
        target: ChannelTarget(target), tls: tls, serverName: serverName, limits: limits),
      group: group, logger: logger)
  }

  package func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    guard !Task.isCancelled else { throw RPCError(.cancelled, "the call was cancelled") }
    let config = methodConfigs[method]
    let options = completed(options, config)
    try config?.check(requestBytes: request.count)
    let deadline = options.timeout.map { Deadline(after: $0) }
    if let timeout = options.timeout, timeout <= .zero {
      throw RPCError(.deadlineExceeded, "the deadline has passed")
    }
    let loop = currentLoop() ?? home
    let handle = CallHandle()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let start = { @Sendable in
          guard let part = self.part(of: loop) else {
            continuation.resume(throwing: self.closedError)
            return
          }
          let call = ClientCall(
            method: method, request: request, options: options, deadline: deadline,
            config: config, channel: part, continuation: continuation)
          guard handle.began(LoopConfined(value: call)) else {
            call.finish(.failure(RPCError(.cancelled, "the call was cancelled")))
            return
          }
          part.start(call)
        }
        if loop.inEventLoop { start() } else { loop.execute(start) }
      }
    } onCancel: {
      guard let call = handle.cancel() else { return }
      loop.execute {
        let error =
          call.value.deadline?.isPast == true
          ? RPCError(.deadlineExceeded, "the deadline has passed")
          : RPCError(.cancelled, "the call was cancelled")
        call.value.abandon(error)
      }
    }
  }

  /// A call's options with the method's and the channel's where it has none.
  func completed(_ options: CallOptions, _ config: MethodConfig?) -> CallOptions {
    var options = config?.completed(options) ?? options
    if configuration.compression != .identity, options.compression == nil {
      options.compression = configuration.compression
    }
    return options
  }

  package func close() async {
    let parts = state.withLock { state in
      state.isClosed = true
      return Array(state.parts.values)
    }
    for part in parts {
      await withCheckedContinuation { continuation in
        part.value.loop.eventLoop.execute { part.value.close(continuation) }
      }
    }
  }

  var closedError: RPCError {
    RPCError(.unavailable, "the channel to \(configuration.target) is closed")
  }

  /// The event loop of this thread, when it belongs to the group.
  func currentLoop() -> (any EventLoop)? {
    guard let current = MultiThreadedEventLoopGroup.currentEventLoop else { return nil }
    if current === home { return current }
    for loop in group.makeIterator() where loop === current { return current }
    return nil
  }

  /// The part on an event loop, called on it; nil once the channel is closed.
  func part(of eventLoop: any EventLoop) -> LoopChannel? {
    state.withLock { state -> LoopConfined<LoopChannel>? in
      guard !state.isClosed else { return nil }
      if let part = state.parts[ObjectIdentifier(eventLoop)] { return part }
      let part = LoopConfined(
        value: LoopChannel(
          loop: LoopContext.current(eventLoop), configuration: configuration, logger: logger))
      state.parts[ObjectIdentifier(eventLoop)] = part
      return part
    }?.value
  }
}

/// Joins a call with the cancellation of its task, whichever comes first.
private final class CallHandle: Sendable {
  private enum State {
    case new
    case began(LoopConfined<ClientCall>)
    case cancelled
  }

  private let state = Mutex(State.new)

  /// False when the task was cancelled before the call began.
  func began(_ call: LoopConfined<ClientCall>) -> Bool {
    state.withLock { state in
      guard case .new = state else { return false }
      state = .began(call)
      return true
    }
  }

  /// The call to abandon, if it has begun.
  func cancel() -> LoopConfined<ClientCall>? {
    state.withLock { state in
      defer { state = .cancelled }
      guard case .began(let call) = state else { return nil }
      return call
    }
  }
}
