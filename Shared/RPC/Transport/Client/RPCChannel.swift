package import Logging
internal import NIOCore
package import NIOPosix
package import RPCCore
internal import Synchronization
package import TLS

/// A client's channel to one server: connects when first used, multiplexes, reconnects with
/// back-off.
///
/// It has one connection per event loop that calls; code that runs on an event loop of the group
/// uses that loop's, so that a service calling another never changes threads.
package final class RPCChannel: ClientChannel {
  let target: HostPort
  private let serverName: String
  private let credentials: TLSClientCredentials
  let limits: RPCLimits
  private let compression: MessageCompression
  private let group: MultiThreadedEventLoopGroup
  private let logger: Logger
  /// Where calls from outside the group go.
  let home: any EventLoop
  private let state = Mutex(State())

  private struct State {
    var isClosed = false
    var parts: [ObjectIdentifier: LoopConfined<LoopChannel>] = [:]
  }

  /// - Parameters:
  ///   - serverName: what the server's certificate must carry; the target's host when nil.
  ///   - compression: how calls send their messages that do not say it themselves.
  package init(
    target: HostPort, tls: TLSClientCredentials, serverName: String? = nil,
    limits: RPCLimits = .standard, compression: MessageCompression = .identity,
    group: MultiThreadedEventLoopGroup, logger: Logger
  ) {
    self.target = target
    self.serverName = serverName ?? target.host
    credentials = tls
    self.limits = limits
    self.compression = compression
    self.group = group
    self.logger = logger
    home = group.next()
    ignoreBrokenPipes()
  }

  package func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    guard !Task.isCancelled else { throw RPCError(.cancelled, "the call was cancelled") }
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
            continuation.resume(
              throwing: RPCError(.unavailable, "the channel to \(self.target) is closed"))
            return
          }
          let call = ClientCall(
            method: method, request: request, options: self.completed(options), deadline: deadline,
            channel: part,
            limit: self.limits.maximumMessageBytes, continuation: continuation)
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

  /// A call's options with the channel's where it has none.
  func completed(_ options: CallOptions) -> CallOptions {
    guard compression != .identity, options.compression == nil else { return options }
    var options = options
    options.compression = compression
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
          loop: LoopContext.current(eventLoop), limits: limits, target: target,
          serverName: serverName, credentials: credentials, logger: logger))
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
