internal import Glibc
package import Logging
package import NIOCore
package import NIOPosix
package import RPCCore
internal import Synchronization
package import TLS

/// A gRPC server over TLS: listens, accepts up to its limits, serves, drains.
package final class RPCServer: Sendable {
  /// Where and how a server listens.
  package struct Configuration: Sendable {
    package var host: String
    /// 0 for any free port.
    package var port: Int
    package var tls: TLSServerCredentials
    /// RPC service name → DNS names of the peers that may call it. With mutual TLS a service that
    /// is absent is refused; health is open to every verified peer. Without mutual TLS not used.
    package var allowedPeers: [String: Set<String>]
    package var limits: RPCLimits

    package init(
      host: String, port: Int, tls: TLSServerCredentials,
      allowedPeers: [String: Set<String>] = [:], limits: RPCLimits = .standard
    ) {
      self.host = host
      self.port = port
      self.tls = tls
      self.allowedPeers = allowedPeers
      self.limits = limits
    }
  }

  /// The server cannot listen; the description is one clear line.
  package struct StartError: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  private struct State {
    var listener: (any Channel)?
    var connections: [ObjectIdentifier: LoopConfined<ServerConnection>] = [:]
    var perAddress: [String: Int] = [:]
    var isDraining = false
    /// Those who wait for the last connection to be gone.
    var drains: [CheckedContinuation<Void, Never>] = []
  }

  private let configuration: Configuration
  private let core: ServerCore
  private let group: MultiThreadedEventLoopGroup
  private let state = Mutex(State())

  /// - Parameters:
  ///   - interceptors: run around every handler, the first outermost.
  ///   - fallback: answers paths that no service has.
  package init(
    configuration: Configuration, services: [ServiceRegistration],
    interceptors: [any ServerInterceptor] = [], fallback: (any RawHandler)? = nil,
    group: MultiThreadedEventLoopGroup, logger: Logger
  ) {
    self.configuration = configuration
    self.group = group
    core = ServerCore(
      services: services, interceptors: interceptors, fallback: fallback,
      allowedPeers: configuration.tls.requiresClientCertificate
        ? configuration.allowedPeers : nil,
      limits: configuration.limits, logger: logger)
  }

  /// Listens; returns the port.
  ///
  /// - Throws: `StartError`.
  package func start() async throws -> Int {
    ignoreBrokenPipes()
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: false)
      .childChannelOption(
        // Grows with what a connection brings, so that an idle one holds little.
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(
          minimum: 1024, initial: 4096, maximum: 64 * 1024)
      )
      .childChannelOption(
        .writeBufferWaterMark, value: .init(low: 128 * 1024, high: 512 * 1024)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.accept(channel) }
      }
    let listener: any Channel
    do {
      listener = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
    } catch {
      throw startError(error)
    }
    state.withLock { $0.listener = listener }
    return listener.localAddress?.port ?? configuration.port
  }

  private func startError(_ error: any Error) -> StartError {
    let place = "port \(configuration.port) on \(configuration.host)"
    switch (error as? IOError)?.errnoCode {
    case EADDRINUSE: return StartError(description: "\(place) is taken")
    case EACCES:
      return StartError(description: "\(place) needs more rights; choose a port above 1023")
    case EADDRNOTAVAIL:
      return StartError(description: "\(configuration.host) is not an address of this machine")
    default: return StartError(description: "cannot listen on \(place): \(error)")
    }
  }

  /// Serves a connection that has been accepted, on its event loop; throws what closes it.
  package func accept(_ channel: any Channel) throws {
    let loop = LoopContext.current(channel.eventLoop)
    let address = channel.remoteAddress
    let host = address?.ipAddress ?? "unknown"
    let engine = try TLSEngine(server: configuration.tls, scratch: loop.tlsScratch)
    let connection = ServerConnection(
      core: core, loop: loop, engine: engine,
      remoteAddress: address?.port.map { HostPort(host: host, port: $0).description } ?? host)
    let id = ObjectIdentifier(connection)
    let limits = configuration.limits
    let isAccepted = state.withLock { state in
      guard !state.isDraining, state.connections.count < limits.maximumConnections,
        state.perAddress[host, default: 0] < limits.maximumConnectionsPerAddress
      else { return false }
      state.connections[id] = LoopConfined(value: connection)
      state.perAddress[host, default: 0] += 1
      return true
    }
    guard isAccepted else {
      core.logger.warning("connection refused", metadata: ["peer": "\(host)"])
      throw ChannelError.connectPending
    }
    channel.closeFuture.whenComplete { _ in self.closed(id, host) }
    try channel.pipeline.syncOperations.addHandler(connection)
  }

  private func closed(_ id: ObjectIdentifier, _ host: String) {
    let drains = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.connections[id] = nil
      let left = state.perAddress[host, default: 1] - 1
      state.perAddress[host] = left > 0 ? left : nil
      guard state.isDraining, state.connections.isEmpty else { return [] }
      defer { state.drains = [] }
      return state.drains
    }
    for drain in drains { drain.resume() }
  }

  /// Connections that are open.
  package var connections: Int { state.withLock { $0.connections.count } }

  /// Stops accepting, lets every accepted call finish, and closes; what is left after `grace` is
  /// cut off. Drains at once each wait for the end; the shortest grace counts.
  package func drain(grace: Duration) async {
    let listener = state.withLock { state in
      state.isDraining = true
      defer { state.listener = nil }
      return state.listener
    }
    try? await listener?.close()
    forEachConnection { $0.drain() }
    let cutOff = group.any().scheduleTask(in: .nanoseconds(grace.clampedNanoseconds)) {
      self.forEachConnection { $0.close("the server shut down") }
    }
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        guard !state.connections.isEmpty else { return true }
        state.drains.append(continuation)
        return false
      }
      if isDone { continuation.resume() }
    }
    cutOff.cancel()
  }

  private func forEachConnection(_ body: @escaping @Sendable (ServerConnection) -> Void) {
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.value.loop.eventLoop.execute { body(connection.value) }
    }
  }
}

extension Duration {
  /// Whole nanoseconds from 0 to `Int64.max`.
  var clampedNanoseconds: Int64 { Int64(clamping: saturatedNanoseconds) }
}

/// Writing to a socket that the peer has closed must be an error, not the end of the process.
func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }
