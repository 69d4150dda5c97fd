internal import HTTP2
internal import Logging
internal import NIOCore
internal import RPCCore

/// The part of a channel on one event loop: its subchannels, the calls that wait for one, and the
/// calls that wait for their next attempt. Confined to its loop.
///
/// Whatever changes, `balance` asks the load-balancing policy what follows from it.
final class LoopChannel {
  let loop: LoopContext
  let configuration: RPCChannel.Configuration
  let logger: Logger
  private var state = ConnectivityState.idle
  /// What went wrong, in TRANSIENT_FAILURE.
  private var failure = ""
  private var subchannels: [Subchannel] = []
  private var picker = Picker<Subchannel>([])
  private var isBalancing = false
  private var mustBalanceAgain = false
  private var resolution: ResolutionState
  private var waiting: [ClientCall] = []
  /// Calls between two attempts, and what makes the next one.
  private var backingOff: [ObjectIdentifier: (call: ClientCall, timer: Scheduled<Void>)] = [:]
  private var throttle: RetryThrottle?
  /// Every connection with calls on it, also those that take no more.
  private var connections: [ObjectIdentifier: ClientConnection] = [:]
  /// Without input while calls are under way, until a PING; nil for none.
  private(set) var keepaliveSeconds: Int?
  private var closeWaiters: [CheckedContinuation<Void, Never>] = []
  /// Makes the TCP connection of an attempt. A test may replace it.
  var connect = Subchannel.openSocket

  init(loop: LoopContext, configuration: RPCChannel.Configuration, logger: Logger) {
    self.loop = loop
    self.configuration = configuration
    self.logger = logger
    throttle = configuration.serviceConfig.retryThrottling.map { RetryThrottle($0) }
    resolution = ResolutionState(
      minimumInterval: UInt64(clamping: configuration.limits.minimumResolutionSeconds)
        &* 1_000_000_000,
      backoff: configuration.backoff)
    keepaliveSeconds = limits.clientKeepaliveSeconds.map { max($0, Self.leastKeepaliveSeconds) }
  }

  /// gRFC A8: no client pings more often.
  private static let leastKeepaliveSeconds = 10

  /// A server found our PINGs too many: from now on they come half as often (gRFC A8).
  func pingedTooOften() {
    keepaliveSeconds = keepaliveSeconds.map { min($0, .max / 2) * 2 }
    logger.warning(
      "a server wants fewer keepalive pings",
      metadata: [
        "target": "\(configuration.target)", "seconds": "\(keepaliveSeconds ?? 0)",
      ])
  }

  var limits: RPCLimits { configuration.limits }

  /// True when no call waits, for a connection or for its next attempt, and there is no connection.
  var isAtRest: Bool { waiting.isEmpty && backingOff.isEmpty && connections.isEmpty }

  /// The service whose health decides about a connection; nil when none does. pick_first has no
  /// health checking (gRFC A17).
  var healthCheckServiceName: String? {
    let config = configuration.serviceConfig
    return config.loadBalancingPolicy == .roundRobin ? config.healthCheckServiceName : nil
  }

  /// Connections to one address, at most.
  var maximumConnectionsPerSubchannel: Int {
    min(
      configuration.serviceConfig.maximumConnectionsPerSubchannel ?? .max,
      limits.maximumConnectionsPerSubchannel)
  }

  // MARK: Calls

  /// Starts a call: on a connection, or waiting for one.
  func start(_ call: ClientCall) {
    if let deadline = call.deadline {
      loop.setTimer(call, at: deadline.uptimeNanoseconds, now: loop.now())
    }
    place(call)
  }

  /// Starts a streaming call; its deadline and its cancellation end it.
  func startStream(
    _ method: MethodDescriptor, options: CallOptions, deadline: Deadline?, config: MethodConfig?
  ) -> MessageStream {
    let messages = MessageStream(role: .client, loop: loop, limits: limits)
    if let config { messages.apply(config) }
    let call = ClientCall(
      method: method, messages: messages, options: options, deadline: deadline, config: config,
      channel: self)
    let confined = LoopConfined(value: call)
    messages.onCancel {
      let call = confined.value
      call.abandon(
        call.deadline?.isPast == true
          ? RPCError(.deadlineExceeded, "the deadline has passed")
          : RPCError(.cancelled, "the call was cancelled"))
    }
    start(call)
    return messages
  }

  private func place(_ call: ClientCall) {
    if waiting.isEmpty, send(call) { return }
    switch state {
    case .shutdown:
      return call.finish(.failure(closedError))
    case .transientFailure where !call.options.waitForReady && !mayRecover:
      return call.attemptFailed(unavailable)
    default:
      guard waiting.count < limits.maximumWaitingCalls else {
        return call.finish(
          .failure(
            RPCError(
              .resourceExhausted, "too many calls wait for \(configuration.target)")))
      }
      waiting.append(call)
      if state == .ready { grow() } else { wake() }
    }
  }

  /// Sends a call on the next connection that has room; false when there is none.
  private func send(_ call: ClientCall) -> Bool {
    while let connection = picker.pick({ $0.connectionWithRoom }) {
      // A connection that refuses has just ended.
      if connection.send(call) { return true }
    }
    return false
  }

  /// A connection has room again, or another one is there.
  func roomAppeared() {
    sendWaiting()
    if !waiting.isEmpty, state == .ready { grow() }
  }

  /// Every connection is full: another one is opened, if that is allowed.
  private func grow() { _ = picker.pick { $0.grow() ? $0 : nil } }

  private func sendWaiting() {
    var index = 0
    while index < waiting.count {
      let call = waiting[index]
      if call.state == .waiting, !send(call) { break }
      index += 1
    }
    waiting.removeFirst(index)
  }

  /// Makes another attempt of a call.
  func placeAgain(_ call: ClientCall) {
    let confined = LoopConfined(value: call)
    // Not from within the session's callback, and after a lost connection has been noted.
    loop.eventLoop.execute {
      guard confined.value.state == .waiting else { return }
      confined.value.channel.place(confined.value)
    }
  }

  /// When a failed call has its next attempt; nil for never.
  func timeOfRetry(_ retries: inout RetryState, of call: ClientCall, after error: RPCError)
    -> UInt64?
  {
    guard state != .shutdown, backingOff.count < limits.maximumWaitingCalls else { return nil }
    let decision = retries.attemptFailed(
      error.code, (call.trailers ?? call.initial)?.pushback, deadline: call.deadline,
      now: loop.now(), random: loop.nextRandom(), throttle: &throttle)
    if case .retry(let time) = decision { return time } else { return nil }
  }

  /// Has a call wait for its next attempt.
  func retry(_ call: ClientCall, at time: UInt64) {
    let confined = LoopConfined(value: call)
    let timer = loop.eventLoop.scheduleTask(deadline: .uptimeNanoseconds(time)) {
      let call = confined.value
      call.channel.backingOff[ObjectIdentifier(call)] = nil
      call.channel.place(call)
    }
    backingOff[ObjectIdentifier(call)] = (call, timer)
  }

  /// A call with a retry policy has succeeded.
  func callSucceeded() { throttle?.callSucceeded() }

  /// A call ended without its connection.
  func callAbandoned(_ call: ClientCall) {
    // A server may have asked for a wait of months, for which the timer would keep the call.
    backingOff.removeValue(forKey: ObjectIdentifier(call))?.timer.cancel()
    waiting.removeAll { $0.state == .finished }
    finishClosing()
  }

  private var unavailable: RPCError { RPCError(.unavailable, failure) }

  private var closedError: RPCError {
    RPCError(.unavailable, "the channel to \(configuration.target) is closed")
  }

  private func failWaiting(_ error: RPCError, where isFailed: (ClientCall) -> Bool) {
    let calls = waiting
    waiting = calls.filter { !isFailed($0) }
    for call in calls where isFailed(call) { call.attemptFailed(error) }
  }

  // MARK: Balancing

  /// True when an attempt would begin at once for a call that waits: without any address the
  /// resolution decides, with addresses the policy.
  private var mayRecover: Bool { subchannels.isEmpty && resolution.isRested(now: loop.now()) }

  /// A call waits: addresses are needed, or a connection.
  private func wake() {
    if subchannels.isEmpty { resolve() } else { balance() }
  }

  /// Does what the load-balancing policy wants, until nothing changes any more.
  ///
  /// - Parameter attemptDelayPassed: the current attempt has had its time.
  func balance(attemptDelayPassed: Bool = false) {
    guard state != .shutdown, !subchannels.isEmpty else { return }
    guard !isBalancing else {
      mustBalanceAgain = true
      return
    }
    isBalancing = true
    var delayPassed = attemptDelayPassed
    repeat {
      mustBalanceAgain = false
      let decision = configuration.serviceConfig.loadBalancingPolicy.decide(
        subchannels.map(\.status), isWanted: !waiting.isEmpty, attemptDelayPassed: delayPassed)
      delayPassed = false
      take(decision)
    } while mustBalanceAgain
    isBalancing = false
  }

  private func take(_ decision: BalancingDecision) {
    let all = subchannels
    switch decision.outcome {
    case .idle: enter(.idle)
    case .connecting: enter(.connecting)
    case .ready(let places):
      enter(.ready)
      picker = Picker(places.map { all[$0] }, random: loop.nextRandom())
    case .transientFailure(let reason):
      failure = reason
      enter(.transientFailure)
    }
    for place in decision.disconnect { all[place].disconnect() }
    for place in decision.connect {
      all[place].connect()
      mustBalanceAgain = true
    }
    if !decision.connect.isEmpty { scheduleAttemptDelay() }
    switch state {
    case .ready: roomAppeared()
    case .transientFailure: failWaiting(unavailable) { !$0.options.waitForReady }
    default: break
    }
  }

  private func enter(_ state: ConnectivityState) {
    self.state = state
    if state != .ready, !picker.isEmpty { picker = Picker([]) }
  }

  /// After a while another attempt may begin beside the current one (RFC 8305, 5).
  private func scheduleAttemptDelay() {
    guard configuration.serviceConfig.loadBalancingPolicy == .pickFirst, subchannels.count > 1
    else { return }
    let confined = LoopConfined(value: self)
    let delay = TimeAmount.milliseconds(Int64(limits.connectionAttemptDelayMilliseconds))
    loop.eventLoop.scheduleTask(in: delay) {
      confined.value.balance(attemptDelayPassed: true)
    }
  }

  /// A connection or an attempt has failed: the addresses may be others by now.
  func subchannelFailed() {
    if configuration.target.hosts.contains(where: { !$0.isAddress }) { resolve() }
    balance()
    finishClosing()
  }

  // MARK: Addresses

  private func resolve() {
    guard state != .shutdown else { return }
    take(resolution.request(now: loop.now()))
  }

  private func take(_ action: ResolutionState.Action) {
    let confined = LoopConfined(value: self)
    switch action {
    case .none:
      break
    case .wait(let time):
      loop.eventLoop.scheduleTask(deadline: .uptimeNanoseconds(time)) {
        let channel = confined.value
        guard channel.state != .shutdown else { return }
        channel.take(channel.resolution.timePassed(now: channel.loop.now()))
      }
    case .resolve:
      if subchannels.isEmpty { enter(.connecting) }
      let target = configuration.target
      if target.hosts.allSatisfy(\.isAddress) {
        return resolved(.success(target.hosts.map { ResolvedAddress(host: $0, address: $0) }))
      }
      let resolver = configuration.resolver
      Task(executorPreference: loop.executor) {
        let result = await ResolvedAddress.all(of: target, resolver)
        confined.value.loop.eventLoop.execute { confined.value.resolved(result) }
      }
    }
  }

  private func resolved(_ result: Result<[ResolvedAddress], NameResolutionError>) {
    guard state != .shutdown else { return }
    switch result {
    case .success(let addresses):
      resolution.succeeded(now: loop.now())
      update(Array(addresses.prefix(limits.maximumAddresses)))
    case .failure(let error):
      resolution.failed(now: loop.now(), random: loop.nextRandom())
      logger.debug(
        "name resolution failed",
        metadata: ["target": "\(configuration.target)", "reason": "\(error)"])
      // Addresses that were found before are still the best there are.
      guard subchannels.isEmpty else { return }
      failure = "cannot connect to \(configuration.target): \(error)"
      enter(.transientFailure)
      failWaiting(unavailable) { !$0.options.waitForReady }
      if !waiting.isEmpty { resolve() }
    }
  }

  /// Takes over a list of addresses; subchannels whose address stays are kept.
  private func update(_ addresses: [ResolvedAddress]) {
    guard addresses != subchannels.map(\.address) else { return }
    var old: [ResolvedAddress: Subchannel] = [:]
    for subchannel in subchannels { old[subchannel.address] = subchannel }
    subchannels = addresses.map { address in
      old.removeValue(forKey: address) ?? Subchannel(address: address, channel: self)
    }
    picker = Picker([])
    for subchannel in old.values { subchannel.shutDown() }
    balance()
  }

  // MARK: Connections

  /// A connection begins.
  func add(_ connection: ClientConnection) {
    connections[ObjectIdentifier(connection)] = connection
  }

  /// A connection is over.
  func remove(_ connection: ClientConnection) {
    connections[ObjectIdentifier(connection)] = nil
  }

  /// There is room on a connection.
  func streamClosed(_ connection: ClientConnection) {
    guard !waiting.isEmpty || state == .shutdown else { return }
    let confined = LoopConfined(value: self)
    loop.eventLoop.execute {
      confined.value.roomAppeared()
      confined.value.finishClosing()
    }
  }

  // MARK: The end

  /// Refuses new calls; `done` is resumed when the last one has ended.
  func close(_ done: CheckedContinuation<Void, Never>) {
    state = .shutdown
    picker = Picker([])
    for attempt in backingOff.values { attempt.timer.cancel() }
    let calls = waiting + backingOff.values.map(\.call)
    waiting = []
    backingOff = [:]
    for call in calls { call.finish(.failure(closedError)) }
    closeWaiters.append(done)
    let closing = subchannels
    subchannels = []
    for subchannel in closing { subchannel.shutDown() }
    finishClosing()
  }

  /// Ends the connections that have no calls, once the channel is closed.
  func finishClosing() {
    guard state == .shutdown else { return }
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
