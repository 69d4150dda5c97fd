internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RPCCore
internal import TLS

/// One address of a channel on one event loop: its connection, its attempts to connect and their
/// back-off. Confined to its loop; what it decides, ``SubchannelState`` decides.
final class Subchannel {
  let address: ResolvedAddress
  private let channel: LoopChannel
  private var state: SubchannelState
  /// The connection that takes calls, or would if its server were healthy.
  private var connection: ClientConnection?
  /// Further connections, for more calls than one takes at once.
  private var further: [ClientConnection] = []
  /// True while the current attempt is for a further connection.
  private var isGrowing = false
  /// No further connection is tried before this time, after one failed.
  private var growsFrom: UInt64 = 0
  /// The connection of the current attempt, once TCP has connected.
  private var pending: ClientConnection?
  /// Whether the server of `connection` serves, where that is asked for.
  private var health: HealthWatch?
  /// Tells late results of an attempt that was given up from those of the current one.
  private var attempt = 0

  init(address: ResolvedAddress, channel: LoopChannel) {
    self.address = address
    self.channel = channel
    state = SubchannelState(backoff: channel.configuration.backoff)
  }

  /// What a load-balancing policy sees.
  var status: SubchannelStatus { state.status }

  /// A connection that takes another call; nil while all are full.
  var connectionWithRoom: ClientConnection? {
    guard let connection else { return nil }
    return connection.hasRoom ? connection : further.first { $0.hasRoom }
  }

  // MARK: What the channel wants

  /// Begins an attempt; nothing happens unless the subchannel is idle.
  func connect() {
    guard state.attemptBegins(now: channel.loop.now()) else { return }
    beginAttempt()
  }

  /// Begins an attempt for a further connection, as its calls are more than those it has can take;
  /// false when there is nothing to begin.
  func grow() -> Bool {
    let now = channel.loop.now()
    guard state.status.connectivity == .ready, !isGrowing, now >= growsFrom,
      further.count + 1 < channel.maximumConnectionsPerSubchannel
    else { return false }
    isGrowing = true
    beginAttempt()
    return true
  }

  private func beginAttempt() {
    attempt += 1
    let number = attempt
    let target: SocketAddress
    do {
      target = try SocketAddress(
        ipAddress: address.address.host, port: address.address.port)
    } catch {
      return attemptFailed("the address is not usable")
    }
    let confined = LoopConfined(value: self)
    channel.connect(channel, target) { socket in
      socket.eventLoop.makeCompletedFuture { try confined.value.prepare(socket) }
    }
    .whenComplete { result in
      switch result {
      case .success(let socket): confined.value.connected(socket, attempt: number)
      case .failure(let error):
        confined.value.attemptFailed(Self.text(error), attempt: number)
      }
    }
  }

  /// Connects by TCP, on the channel's loop.
  ///
  /// - Parameter prepare: puts the handlers on a socket, before it connects.
  static func openSocket(
    _ channel: LoopChannel, to target: SocketAddress,
    prepare: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
  ) -> EventLoopFuture<any Channel> {
    ClientBootstrap(group: channel.loop.eventLoop)
      .connectTimeout(.seconds(Int64(channel.limits.connectSeconds)))
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 1024)
      )
      .channelOption(
        .writeBufferWaterMark, value: .init(low: 128 * 1024, high: 512 * 1024)
      )
      .channelInitializer(prepare)
      .connect(to: target)
  }

  /// Gives up the attempt, and the connection once its calls have ended.
  func disconnect() {
    state.disconnected()
    abandonConnections()
  }

  /// As `disconnect`, for good.
  func shutDown() {
    state.shutDown()
    abandonConnections()
  }

  private func abandonConnections() {
    leaveConnections { $0.retire() }
  }

  // MARK: Attempts

  private func prepare(_ socket: any Channel) throws {
    let engine = try TLSEngine(
      client: channel.configuration.tls,
      serverName: channel.configuration.serverName ?? address.host.host,
      scratch: channel.loop.tlsScratch)
    let connection = ClientConnection(subchannel: self, channel: channel, engine: engine)
    channel.add(connection)
    try socket.pipeline.syncOperations.addHandler(connection)
  }

  private func connected(_ socket: any Channel, attempt number: Int) {
    guard number == attempt, isGrowing || state.status.connectivity == .connecting,
      let connection = try? socket.pipeline.syncOperations.handler(type: ClientConnection.self)
    else {
      // Given up meanwhile, or the connection is gone already.
      socket.close(promise: nil)
      return attemptFailed("the connection was lost", attempt: number)
    }
    guard connection.state == .handshaking || connection.state == .settling else {
      return attemptFailed(connection.closeReason ?? "the connection was lost", attempt: number)
    }
    pending = connection
  }

  private func attemptFailed(_ reason: String, attempt number: Int) {
    guard number == attempt else { return }
    attemptFailed(reason)
  }

  private func attemptFailed(_ reason: String) {
    pending = nil
    channel.logger.debug(
      "connection failed", metadata: ["target": "\(address)", "reason": "\(reason)"])
    guard !isGrowing else {
      isGrowing = false
      growsFrom = channel.loop.now() &+ channel.configuration.backoff.initial.saturatedNanoseconds
      return
    }
    waitForBackoff(
      until: state.attemptFailed(
        "cannot connect to \(address): \(reason)", now: channel.loop.now(),
        random: channel.loop.nextRandom()))
    channel.subchannelFailed()
  }

  private func waitForBackoff(until time: UInt64?) {
    guard let time else { return }
    let confined = LoopConfined(value: self)
    channel.loop.eventLoop.scheduleTask(deadline: .uptimeNanoseconds(time)) {
      let subchannel = confined.value
      let now = subchannel.channel.loop.now()
      if subchannel.state.backoffEnded(now: now) { subchannel.channel.balance() }
    }
  }

  /// One line of what NIO says about a failed attempt.
  private static func text(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(describing: error)
    case ChannelError.connectTimeout: "the connection attempt took too long"
    default: String(describing: error)
    }
  }

  // MARK: What connections report

  func connectionOpened(_ opened: ClientConnection) {
    guard opened === pending else { return opened.retire() }
    pending = nil
    guard !isGrowing else {
      isGrowing = false
      further.append(opened)
      return channel.roomAppeared()
    }
    connection = opened
    if let service = channel.healthCheckServiceName {
      health = HealthWatch(of: service, on: opened, of: channel) { [weak opened] report in
        guard let opened, opened === self.connection else { return }
        self.healthChanged(report)
      }
    } else {
      state.becameReady()
      channel.balance()
    }
  }

  private func healthChanged(_ report: HealthWatch.Report) {
    switch report {
    case .serving: state.becameReady()
    case .notServing(let reason): state.becameUnhealthy("\(address) does not serve: \(reason)")
    }
    channel.balance()
  }

  /// Takes no calls on any connection any more, and gives up the attempt.
  ///
  /// - Parameter leave: what to do with the first connection; the further ones end with their calls.
  private func leaveConnections(_ leave: (ClientConnection) -> Void) {
    health?.cancel()
    health = nil
    attempt += 1
    isGrowing = false
    let attempted = pending
    pending = nil
    let first = connection
    connection = nil
    let others = further
    further = []
    attempted?.close("the connection is not needed")
    if let first { leave(first) }
    for other in others { other.retire() }
  }

  /// The server goes away: calls that run go on, new ones need another connection.
  func connectionLeaves(_ leaving: ClientConnection) {
    further.removeAll { $0 === leaving }
    guard leaving === connection else { return }
    connectionLost("\(address) goes away")
  }

  func connectionEnded(_ ended: ClientConnection) {
    further.removeAll { $0 === ended }
    if ended === pending {
      attemptFailed(ended.closeReason ?? "closed")
    } else if ended === connection {
      connectionLost(
        "the connection to \(address) was lost: \(ended.closeReason ?? "closed")")
    }
  }

  private func connectionLost(_ reason: String) {
    leaveConnections { _ in }
    waitForBackoff(
      until: state.connectionLost(
        reason, now: channel.loop.now(), random: channel.loop.nextRandom()))
    channel.subchannelFailed()
  }
}
