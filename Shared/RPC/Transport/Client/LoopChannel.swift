internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RPCCore
internal import TLS

/// The part of a channel on one event loop: one connection, the calls that wait for it, and the
/// back-off between attempts. Confined to its loop.
final class LoopChannel {
  /// Where the connection stands.
  private enum State {
    case idle
    case connecting
    case ready(ClientConnection)
    /// The last attempt failed; none begins before `until`, in monotonic nanoseconds.
    case backingOff(until: UInt64, error: RPCError)
    case closed
  }

  let loop: LoopContext
  let limits: RPCLimits
  private let target: HostPort
  private let serverName: String
  private let credentials: TLSClientCredentials
  private let logger: Logger
  private var state = State.idle
  private var waiting: [ClientCall] = []
  /// Every connection with calls on it, also those that take no more.
  private var connections: [ObjectIdentifier: ClientConnection] = [:]
  /// The connection that the current attempt is about, once TCP has connected. A name with several
  /// addresses makes several; those that lose are not the attempt's failure.
  private var chosen: ClientConnection?
  private var failedAttempts = 0
  private var closeWaiters: [CheckedContinuation<Void, Never>] = []

  init(
    loop: LoopContext, limits: RPCLimits, target: HostPort, serverName: String,
    credentials: TLSClientCredentials, logger: Logger
  ) {
    self.loop = loop
    self.limits = limits
    self.target = target
    self.serverName = serverName
    self.credentials = credentials
    self.logger = logger
  }

  // MARK: Calls

  /// Starts a call: on the connection, or waiting for one.
  func start(_ call: ClientCall) {
    if let deadline = call.deadline {
      loop.setTimer(call, at: deadline.uptimeNanoseconds, now: Deadline.now())
    }
    place(call)
  }

  private func place(_ call: ClientCall) {
    switch state {
    case .ready(let connection):
      guard waiting.isEmpty, connection.hasRoom, connection.send(call) else { return wait(call) }
    case .idle:
      wait(call)
      connect()
    case .connecting:
      wait(call)
    case .backingOff(let until, let error):
      if call.options.waitForReady {
        wait(call)
        scheduleAttempt(at: until)
      } else if Deadline.now() >= until {
        wait(call)
        connect()
      } else {
        call.finish(.failure(error))
      }
    case .closed:
      call.finish(.failure(RPCError(.unavailable, "the channel to \(target) is closed")))
    }
  }

  private func wait(_ call: ClientCall) {
    guard waiting.count < limits.maximumWaitingCalls else {
      return call.finish(
        .failure(RPCError(.resourceExhausted, "too many calls wait for \(target)")))
    }
    waiting.append(call)
  }

  /// Another attempt of a call that the server did not process.
  func retry(_ call: ClientCall) {
    call.restart(limit: limits.maximumMessageBytes)
    let confined = LoopConfined(value: call)
    // Not from within the session's callback, and after a lost connection has been noted.
    loop.eventLoop.execute {
      guard confined.value.state == .waiting else { return }
      confined.value.channel.place(confined.value)
    }
  }

  /// A call ended without its connection.
  func callAbandoned() {
    waiting.removeAll { $0.state == .finished }
    finishClosing()
  }

  private func sendWaiting() {
    guard case .ready(let connection) = state, !waiting.isEmpty else { return }
    var index = 0
    while index < waiting.count, connection.hasRoom {
      let call = waiting[index]
      if call.state == .waiting, !connection.send(call) { break }
      index += 1
    }
    waiting.removeFirst(index)
  }

  // MARK: Connecting

  private func connect() {
    state = .connecting
    let confined = LoopConfined(value: self)
    let bootstrap = ClientBootstrap(group: loop.eventLoop)
      .connectTimeout(.seconds(Int64(limits.connectSeconds)))
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 1024)
      )
      .channelOption(
        .writeBufferWaterMark, value: .init(low: 128 * 1024, high: 512 * 1024)
      )
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try confined.value.prepare(channel) }
      }
    bootstrap.connect(host: target.host, port: target.port).whenComplete { result in
      switch result {
      case .success(let channel): confined.value.connected(channel)
      case .failure(let error): confined.value.attemptFailed(Self.text(error))
      }
    }
  }

  private func connected(_ channel: any Channel) {
    guard case .connecting = state,
      let connection = try? channel.pipeline.syncOperations.handler(type: ClientConnection.self)
    else {
      // The channel was closed meanwhile, or the connection is gone already.
      channel.close(promise: nil)
      return attemptFailed("the connection was lost")
    }
    guard connection.state == .handshaking || connection.state == .settling else {
      return attemptFailed(connection.closeReason ?? "the connection was lost")
    }
    chosen = connection
  }

  private func prepare(_ channel: any Channel) throws {
    let engine = try TLSEngine(
      client: credentials, serverName: serverName, scratch: loop.tlsScratch)
    let connection = ClientConnection(channel: self, target: target, engine: engine)
    connections[ObjectIdentifier(connection)] = connection
    try channel.pipeline.syncOperations.addHandler(connection)
  }

  /// One line of what NIO says about a failed attempt.
  private static func text(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      if error.dnsAError != nil || error.dnsAAAAError != nil, error.connectionErrors.isEmpty {
        return "the name does not resolve"
      }
      guard let first = error.connectionErrors.first else { return "no address" }
      return text(first.error)
    case let error as IOError:
      return String(describing: error)
    case ChannelError.connectTimeout:
      return "the connection attempt took too long"
    default:
      return String(describing: error)
    }
  }

  private func attemptFailed(_ reason: String) {
    guard case .connecting = state else { return }
    chosen = nil
    let error = RPCError(.unavailable, "cannot connect to \(target): \(reason)")
    logger.debug("connection failed", metadata: ["target": "\(target)", "reason": "\(reason)"])
    let until = Deadline.now() &+ backoffNanoseconds()
    failedAttempts += 1
    state = .backingOff(until: until, error: error)
    let calls = waiting
    waiting = calls.filter(\.options.waitForReady)
    for call in calls where !call.options.waitForReady { call.finish(.failure(error)) }
    if !waiting.isEmpty { scheduleAttempt(at: until) }
    finishClosing()
  }

  /// The wait before the next attempt (gRPC "Connection backoff").
  private func backoffNanoseconds() -> UInt64 {
    var milliseconds = limits.firstBackoffMilliseconds
    for _ in 0..<failedAttempts where milliseconds < limits.maximumBackoffMilliseconds {
      milliseconds = milliseconds * limits.backoffGrowthPercent / 100
    }
    milliseconds = min(milliseconds, limits.maximumBackoffMilliseconds)
    let spread = milliseconds * limits.backoffJitterPercent / 100
    let offset = Int(loop.nextRandom() % UInt64(2 * spread + 1)) - spread
    return UInt64(max(milliseconds + offset, 0)) * 1_000_000
  }

  private func scheduleAttempt(at time: UInt64) {
    let confined = LoopConfined(value: self)
    loop.eventLoop.scheduleTask(deadline: .uptimeNanoseconds(time)) {
      guard case .backingOff(let until, _) = confined.value.state, until <= Deadline.now(),
        !confined.value.waiting.isEmpty
      else { return }
      confined.value.connect()
    }
  }

  // MARK: What connections report

  func connectionOpened(_ connection: ClientConnection) {
    guard case .connecting = state, connection === chosen else { return connection.retire() }
    chosen = nil
    failedAttempts = 0
    state = .ready(connection)
    sendWaiting()
  }

  /// The server goes away: calls that run go on, new ones need another connection.
  func connectionLeaves(_ connection: ClientConnection) {
    guard case .ready(let current) = state, current === connection else { return }
    state = .idle
    if !waiting.isEmpty { connect() }
  }

  func connectionEnded(_ connection: ClientConnection) {
    connections[ObjectIdentifier(connection)] = nil
    switch state {
    case .ready(let current) where current === connection:
      state = .idle
      if !waiting.isEmpty { connect() }
    case .connecting where connection === chosen:
      attemptFailed(connection.closeReason ?? "closed")
    default:
      break
    }
    finishClosing()
  }

  func streamClosed(_ connection: ClientConnection) {
    guard !waiting.isEmpty || isClosed else { return }
    let confined = LoopConfined(value: self)
    loop.eventLoop.execute {
      confined.value.sendWaiting()
      confined.value.finishClosing()
    }
  }

  // MARK: The end

  private var isClosed: Bool {
    if case .closed = state { true } else { false }
  }

  /// Refuses new calls; `done` is resumed when the last one has ended.
  func close(_ done: CheckedContinuation<Void, Never>) {
    state = .closed
    for call in waiting {
      call.finish(.failure(RPCError(.unavailable, "the channel to \(target) is closed")))
    }
    waiting = []
    closeWaiters.append(done)
    for connection in connections.values { connection.retire() }
    finishClosing()
  }

  private func finishClosing() {
    guard isClosed else { return }
    for connection in connections.values where !connection.wasOpen {
      connection.close("the channel was closed")
    }
    for connection in connections.values { connection.retire() }
    guard connections.isEmpty else { return }
    let waiters = closeWaiters
    closeWaiters = []
    for waiter in waiters { waiter.resume() }
  }
}
