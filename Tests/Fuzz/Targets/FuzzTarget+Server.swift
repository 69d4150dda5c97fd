import Compression
import GoogleAPI
import HTTP2
import Logging
import Messages
import NIOCore
import NIOEmbedded
import RPCCore
import TLS
import TestSupport

@testable import RPCTransport

extension FuzzTarget {
  /// What a client sends to a server, within TLS and behind the HTTP/2 preface: the real connection
  /// on a channel in memory, with a method of each kind. Byte 0 chooses the cut.
  static let server = FuzzTarget(
    name: "server", maximumBytes: 4096, seeds: { try ServerRun.seeds() },
    run: { bytes in
      var input = FuzzInput(bytes)
      let cut = input.byte()
      try ServerRun().run(input.rest, cut: cut)
    })
}

/// One connection of a server and its client.
private struct ServerRun {
  private let eventLoop = EmbeddedEventLoop()
  private let loop: LoopContext
  private let connection: ServerConnection
  private let client: MemoryConnection

  init() throws {
    let credentials = try MemoryConnection.Credentials.shared.get()
    loop = LoopContext(eventLoop: eventLoop)
    connection = ServerConnection(
      core: Self.core, loop: loop,
      engine: try TLSEngine(server: credentials.server, scratch: loop.tlsScratch),
      remoteAddress: "192.0.2.1:1")
    let engine = try TLSEngine(
      client: credentials.client, serverName: "server.test", scratch: TLSScratch())
    let channel = EmbeddedChannel(loop: eventLoop)
    try channel.pipeline.syncOperations.addHandler(connection)
    channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
    try engine.start()
    client = MemoryConnection(
      channel, peer: engine, opening: HTTP2Frames.preface + HTTP2Frames.settings)
  }

  func run(_ bytes: UnsafeRawBufferPointer, cut: UInt8) throws {
    try client.exchange()
    try check(client.isOpen, "the handshake did not end")
    try pieces(bytes, cut: cut) { try client.say($0) }
    let output = client.output
    try HTTP2Frames.checkOutput(output, afterPreface: false)
    // A call of 40 bytes can be refused with a message, and details that repeat it.
    let most = 4096 + 128 * bytes.count
    try check(output.count <= most, "\(output.count) bytes out for \(bytes.count) in")
    try end()
  }

  /// The connection is lost: every handler returns, and nothing stays in the books.
  private func end() throws {
    connection.close("the end")
    eventLoop.run()
    client.lose()
    try check(
      connection.runningHandlers == 0, "\(connection.runningHandlers) handlers did not return")
    try check(connection.budget.isIdle, "in the books: \(connection.budget)")
    try check(connection.wideStreams == 0, "\(connection.wideStreams) windows in the books")
    try check(connection.session?.openStreams ?? 0 == 0, "streams are open after the end")
    loop.retire()
    // The last tick of the loop's timers.
    eventLoop.advanceTime(by: .seconds(1))
  }

  // MARK: The service

  private static let core = ServerCore(
    services: [EchoService.registration], interceptors: [], fallback: nil, allowedPeers: nil,
    limits: limits, logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })

  private static var limits: RPCLimits {
    var limits = RPCLimits()
    limits.maximumMessageBytes = 2000
    limits.requestWindowBytes = 600
    limits.maximumBufferedRequestBytes = 3000
    limits.maximumWideStreams = 2
    limits.maximumQueuedStreamBytes = 500
    limits.http2.maximumConcurrentStreams = 8
    return limits
  }

  static func seeds() throws -> [[UInt8]] {
    let frames = HTTP2Frames.self
    let message = frames.message(
      try AnyMessage(typeURL: "type", value: [1, 2, 3]).serialized())
    let failing = frames.message(try AnyMessage(typeURL: "fail").serialized())
    let timeout = [("grpc-timeout", "1H"), ("x-correlation-id", "c-1")]
    let binary = [("x-bytes-bin", "AAE,AAEC"), ("x-text", "a b")]
    func call(_ method: String, _ fields: [(String, String)] = []) -> [(String, String)] {
      frames.request("/\(EchoService.name)/\(method)", adding: fields)
    }
    let compressed = try message.dropFirst(5).withUnsafeBytes {
      try MessageEncoding.gzip.compress($0)
    }
    func begun(_ stream: Int32, _ method: String) -> [UInt8] {
      frames.headers(stream, call(method))
        + frames.data(stream, [0, 0, 0, 5, 220] + [UInt8](repeating: 7, count: 500))
    }
    let bodies: [[UInt8]] = [
      frames.headers(1, call("Echo")) + frames.data(1, message, end: true),
      frames.headers(1, call("Echo", timeout)) + frames.data(1, failing, end: true),
      frames.headers(1, call("Echo", binary + [("grpc-encoding", "gzip")]))
        + frames.data(1, frames.message(compressed, flag: 1), end: true),
      frames.headers(1, call("Count")) + frames.data(1, message, end: true),
      frames.headers(1, call("Collect")) + frames.data(1, message + message)
        + frames.data(1, message, end: true),
      frames.headers(1, call("Chat")) + frames.data(1, message) + frames.data(1, failing)
        + frames.headers(3, call("Chat")) + frames.data(3, message) + frames.reset(3, 8),
      frames.headers(1, call("Nothing"), end: true)
        + frames.headers(3, [(":method", "GET"), (":scheme", "https"), (":path", "/")], end: true),
      frames.headers(1, call("Echo")) + frames.data(1, message + message),
      frames.headers(1, call("Echo")) + frames.data(1, [0, 0, 0xFF, 0, 0, 1]),
      frames.headers(1, call("Echo", [("grpc-timeout", "0S")])) + frames.ping,
      // Messages beyond the budget, and an end of those that had their share.
      begun(1, "Echo") + begun(3, "Collect") + begun(5, "Echo") + begun(7, "Chat")
        + frames.reset(1, 8) + frames.reset(3, 8) + frames.data(5, [1], end: true),
      frames.headers(1, [(":method", "PUT")] + call("Echo").dropFirst()) + frames.data(1, [1])
        + frames.data(1, [2], end: true) + frames.data(1, [3]),
    ]
    return bodies.enumerated().map { [UInt8($0.offset)] + $0.element }
  }
}

/// A method of each kind over `google.protobuf.Any`.
private enum EchoService {
  static let name = "kontor.fuzz.v1.EchoService"

  static let registration = ServiceRegistration(
    name: name,
    methods: [
      MethodHandler(unary: MethodDescriptor(service: name, name: "Echo")) {
        (request: AnyMessage, _: ServerContext) in
        try await answer(request)
      },
      MethodHandler(
        serverStreaming: MethodDescriptor(service: name, name: "Count", kind: .serverStreaming)
      ) { (request: AnyMessage, writer: MessageWriter<AnyMessage>, _: ServerContext) in
        for _ in 0..<5 { try await writer.write(answer(request)) }
      },
      MethodHandler(
        clientStreaming: MethodDescriptor(service: name, name: "Collect", kind: .clientStreaming)
      ) { (requests: MessageReader<AnyMessage>, _: ServerContext) -> AnyMessage in
        var last = AnyMessage()
        for try await request in requests { last = request }
        return last
      },
      MethodHandler(
        bidirectional: MethodDescriptor(service: name, name: "Chat", kind: .bidirectional)
      ) {
        (
          requests: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>, _: ServerContext
        ) in
        for try await request in requests { try await writer.write(answer(request)) }
      },
    ])

  private static func answer(_ request: AnyMessage) async throws -> AnyMessage {
    switch request.typeURL {
    case "fail": throw RPCError(.failedPrecondition, reason: "NOT_NOW", "asked to\n")
    case "break": throw Violation(description: "asked to")
    case "yield": await Task.yield()
    default: break
    }
    return AnyMessage(typeURL: "answer", value: request.value)
  }
}
