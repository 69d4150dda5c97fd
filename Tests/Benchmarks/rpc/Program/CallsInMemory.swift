internal import BenchmarkAPI
internal import Logging
internal import Messages
internal import NIOCore
internal import NIOEmbedded
internal import NIOPosix
internal import RPCCore
internal import RPCTransport
internal import TLS

/// One client and one server connection without a socket, for counting instructions.
///
/// All requests are framed and encrypted first, then a part of them is fed to the server, whose
/// answers are dropped: the difference of two runs that make as many and feed different numbers is
/// the server's cost and nothing else.
final class CallsInMemory {
  enum Method: String {
    case echo, later, list, count
  }

  /// Calls whose requests come in one read.
  private static let callsPerRead = 32

  private let channel: EmbeddedChannel
  private let client: TLSEngine
  private let server: RPCServer
  private var answered = 0

  init(certificate: String, key: String) throws {
    channel = EmbeddedChannel()
    server = try makeServer(
      MultiThreadedEventLoopGroup.singleton, port: 0, certificate: certificate, key: key,
      turns: channel.embeddedEventLoop)
    client = try TLSEngine(
      client: TLSClientCredentials(authorityFile: certificate), serverName: "localhost",
      scratch: TLSScratch())
    try server.accept(channel)
    channel.pipeline.fireChannelActive()
  }

  /// Makes the requests of `made` calls and has the server answer `fed` of them.
  func run(_ method: Method, _ fed: Int, of made: Int) throws {
    try shakeHands()
    var writer = RequestWriter()
    let message = try Self.message(of: method)
    var reads: [[UInt8]] = []
    for first in stride(from: 0, to: made, by: Self.callsPerRead) {
      let calls = min(Self.callsPerRead, made - first)
      try send(writer.requests(calls, of: method, message))
      reads.append(takeOutput(of: client))
    }
    _ = try takeOutputOfServer()
    for read in reads.prefix((fed + Self.callsPerRead - 1) / Self.callsPerRead) {
      try feedServer(read)
      answered += try takeOutputOfServer().count
    }
    print("\(fed) calls, \(answered) bytes of answers")
  }

  private static func message(of method: Method) throws -> [UInt8] {
    switch method {
    case .echo, .later: try MessageWork.request.serialized()
    case .list: try ListRequest(items: 100).serialized()
    case .count: try CountRequest(messages: 100).serialized()
    }
  }

  private func shakeHands() throws {
    try client.start()
    // Each side's flight; the last brings the client's preface and the server's SETTINGS.
    try feedServer(takeOutput(of: client))
    try feedClient(try takeOutputOfServer())
    try feedServer(takeOutput(of: client))
    try send(RequestWriter.preface)
    try feedServer(takeOutput(of: client))
    guard !(try takeOutputOfServer().isEmpty), client.state == .open else {
      throw Wrong("the connection was not made")
    }
    // SETTINGS may be acknowledged once the server has sent its own.
    try send(RequestWriter.settingsAcknowledgement)
    try feedServer(takeOutput(of: client))
  }

  private func send(_ plaintext: [UInt8]) throws {
    unsafe try plaintext.withUnsafeBytes { bytes in unsafe try client.send(bytes) }
  }

  private func takeOutput(of engine: TLSEngine) -> [UInt8] {
    var output: [UInt8] = []
    unsafe engine.withOutput { bytes in unsafe output.append(contentsOf: bytes) }
    return output
  }

  private func feedClient(_ ciphertext: [UInt8]) throws {
    unsafe try ciphertext.withUnsafeBytes { bytes in
      unsafe try client.receive(bytes) { _ in true }
    }
  }

  private func feedServer(_ ciphertext: [UInt8]) throws {
    channel.pipeline.fireChannelRead(ByteBuffer(bytes: ciphertext))
    channel.pipeline.fireChannelReadComplete()
    channel.embeddedEventLoop.run()
  }

  private func takeOutputOfServer() throws -> [UInt8] {
    var output: [UInt8] = []
    while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
      output.append(contentsOf: buffer.readableBytesView)
    }
    return output
  }
}
