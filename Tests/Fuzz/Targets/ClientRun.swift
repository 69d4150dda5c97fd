import Compression
import GoogleAPI
import HTTP2
import Logging
import Messages
import NIOCore
import NIOEmbedded
import RPCCore
import TLS

@testable import RPCTransport

/// A channel whose connections are in memory, its calls, and the server that the input plays.
final class ClientRun {
  /// What clients send and servers answer.
  static let message = AnyMessage(typeURL: "type", value: [1, 2, 3])
  private static let firstKinds: [UInt8] = [8, 1, 2, 3]
  /// Calls of one input at most.
  private static let maximumCalls = 16

  private let eventLoop = EmbeddedEventLoop()
  private let loop: LoopContext
  private var channel: LoopChannel?
  private let clientTLS: TLSClientCredentials
  private let serverTLS: TLSServerCredentials
  private var connections: [MemoryConnection] = []
  /// The connection that the input goes to: the newest until it says otherwise.
  private var connection: MemoryConnection?
  /// Attempts to connect that are to fail.
  private var failingAttempts = 0
  private var calls: [ClientRunCall] = []
  private var remains: [WeakReference] = []

  init() throws {
    let credentials = try MemoryConnection.Credentials.shared.get()
    clientTLS = credentials.client
    serverTLS = credentials.server
    loop = LoopContext(eventLoop: eventLoop)
    eventLoop.advanceTime(to: .uptimeNanoseconds(1_000_000_000_000))
    loop.now = { [eventLoop] in eventLoop.now.uptimeNanoseconds }
    let channel = LoopChannel(
      loop: loop, configuration: try Self.configuration(clientTLS),
      logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
    let confined = LoopConfined(value: WeakReference(object: self))
    channel.connect = { channel, _, prepare in
      guard let run = confined.value.object as? ClientRun else {
        return channel.loop.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
      }
      return run.connect(prepare)
    }
    self.channel = channel
    remains.append(WeakReference(object: channel))
  }

  private static func configuration(
    _ tls: TLSClientCredentials
  ) throws -> RPCChannel.Configuration {
    var limits = RPCLimits()
    limits.maximumMessageBytes = 2000
    limits.maximumQueuedStreamBytes = 500
    limits.maximumRetryBufferBytes = 400
    limits.maximumWaitingCalls = 10
    limits.clientKeepaliveSeconds = 10
    limits.http2.streamWindowBytes = 600
    let retries = try RetryPolicy(
      maxAttempts: 3, initialBackoff: .milliseconds(50), maxBackoff: .milliseconds(500),
      backoffMultiplier: 2, retryableStatusCodes: [.unavailable, .resourceExhausted])
    return RPCChannel.Configuration(
      target: ChannelTarget(HostPort(host: "192.0.2.1", port: 1)), tls: tls,
      serverName: "server.test",
      serviceConfig: try ServiceConfig(
        methodConfigs: [try MethodConfig([.all], retryPolicy: retries)],
        retryThrottling: try RetryThrottling(maxTokens: 10, tokenRatio: 1)),
      backoff: Backoff(
        initial: .milliseconds(100), maximum: .seconds(1), multiplier: 1.6, jitter: 0.2),
      limits: limits)
  }

  /// A server's message as a stream of gzip.
  static func compressed() throws -> [UInt8] {
    try message.serialized().withUnsafeBytes { try MessageEncoding.gzip.compress($0) }
  }

  // MARK: The input

  func run(_ bytes: UnsafeRawBufferPointer, cut: UInt8) throws {
    for kind in Self.firstKinds { begin(kind) }
    try settle()
    try check(connection?.isOpen == true, "the handshake did not end")
    var rest = bytes
    // Frames up to the next event go together.
    var frames = rest.prefix(0)
    while rest.count >= 9 {
      let size = Int(rest[0]) << 16 | Int(rest[1]) << 8 | Int(rest[2])
      let frame = UnsafeRawBufferPointer(rebasing: rest.prefix(9 + size))
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(frame.count))
      guard let event = ClientEvent(rawValue: frame[3]) else {
        frames = bytes[frames.startIndex..<frames.endIndex + frame.count]
        continue
      }
      try send(frames, cut: cut)
      frames = bytes[(frames.endIndex + frame.count)...].prefix(0)
      try take(event, UnsafeRawBufferPointer(rebasing: frame.dropFirst(9)))
    }
    try send(bytes[frames.startIndex...], cut: cut)
    // A frame of nine bytes can have a call begun, or sent again.
    let most = 4096 + 4096 * connections.count + 256 * bytes.count
    let count = connections.reduce(0) { $0 + $1.output.count }
    try check(count <= most, "\(count) bytes out for \(bytes.count) in")
  }

  private func send(_ bytes: Slice<UnsafeRawBufferPointer>, cut: UInt8) throws {
    try pieces(UnsafeRawBufferPointer(rebasing: bytes), cut: cut) { piece in
      try connection?.say(piece)
      try settle()
    }
  }

  private func take(_ event: ClientEvent, _ payload: UnsafeRawBufferPointer) throws {
    let first = payload.first ?? 0
    switch event {
    case .timePasses:
      let second = payload.count > 1 ? payload[1] : 0
      pass(milliseconds: (Int64(first) << 8 | Int64(second)) & 0xFFF)
    case .connectionLost: connection?.lose()
    case .connectionClosed: try connection?.sayGoodbye()
    case .callBegins: if calls.count < Self.maximumCalls { begin(first) }
    case .callCancelled: if Int(first) < calls.count { calls[Int(first)].cancel() }
    case .attemptsFail: failingAttempts = Int(first & 3)
    case .connectionChosen:
      if Int(first) < connections.count { connection = connections[Int(first)] }
    }
    try settle()
  }

  private func pass(milliseconds: Int64) {
    eventLoop.advanceTime(by: .milliseconds(milliseconds))
    loop.checkLimits()
    eventLoop.run()
  }

  private func begin(_ kind: UInt8) {
    guard let channel else { return }
    calls.append(ClientRunCall(kind, on: channel))
  }

  /// Moves bytes until nobody has any, on new connections too.
  private func settle() throws {
    eventLoop.run()
    var index = 0
    while index < connections.count {
      let known = connections.count
      try connections[index].exchange()
      index = connections.count > known ? 0 : index + 1
    }
  }

  // MARK: Connections

  private func connect(
    _ prepare: (any Channel) -> EventLoopFuture<Void>
  ) -> EventLoopFuture<any Channel> {
    guard failingAttempts == 0 else {
      failingAttempts -= 1
      return eventLoop.makeFailedFuture(ChannelError.connectTimeout(.seconds(1)))
    }
    let socket = EmbeddedChannel(loop: eventLoop)
    do {
      // As on a socket: the handlers first, then the connection.
      let prepared = prepare(socket)
      let address = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
      let server = try TLSEngine(server: serverTLS, scratch: TLSScratch())
      let new = MemoryConnection(socket, peer: server, opening: HTTP2Frames.settings)
      connections.append(new)
      connection = new
      if let client = try? socket.pipeline.syncOperations.handler(type: ClientConnection.self) {
        remains.append(WeakReference(object: client))
      }
      return prepared.flatMap { socket.connect(to: address) }.map { socket }
    } catch {
      socket.close(promise: nil)
      return eventLoop.makeFailedFuture(error)
    }
  }

  // MARK: The end

  /// Calls that are over have left no stream open, whatever the server still owes them. Then the
  /// server is gone for good: every call ends, and nothing stays in the books.
  func end() throws {
    try settle()
    if calls.allSatisfy(\.isOver) {
      for case let client as ClientConnection in remains.map(\.object) {
        let count = client.session?.openStreams ?? 0
        try check(count == 0, "\(count) streams are open without a call")
      }
    }
    for connection in connections {
      try HTTP2Frames.checkOutput(connection.output, afterPreface: true)
    }
    failingAttempts = .max
    for connection in connections { connection.lose() }
    pass(milliseconds: 10_000)
    for call in calls where call.hasDeadline {
      try check(call.isOver, "a deadline does not end its call: \(call)")
    }
    for call in calls where call.waitsForReady { call.cancel() }
    eventLoop.run()
    // A server may have prescribed a wait of 116 days.
    if calls.contains(where: { !$0.isOver }) { pass(milliseconds: 10_000_000_000) }
    for call in calls { try check(call.isOver, "a call without a server does not end: \(call)") }
    for call in calls {
      if let error = call.unexpectedError {
        throw Violation(description: "\(call) ends with \(error)")
      }
    }
    try close()
    try check(channel?.isAtRest == true, "the channel has calls or connections after its end")
    remains += calls.flatMap(\.remains)
    calls = []
    connections = []
    connection = nil
    channel = nil
    // The last back-off ends.
    pass(milliseconds: 2000)
    loop.retire()
    eventLoop.run()
    for case let object? in remains.map(\.object) {
      throw Violation(description: "\(object) stays")
    }
  }

  private func close() throws {
    let closing = LoopConfined(value: channel)
    let outcome = Outcome()
    Task(executorPreference: loop.executor) {
      await withCheckedContinuation { closing.value?.close($0) }
      outcome.isThere = true
    }
    eventLoop.run()
    try check(outcome.isThere, "the channel does not close")
  }

  /// Whether something has happened, on the event loop.
  private final class Outcome: @unchecked Sendable {
    var isThere = false
  }
}
