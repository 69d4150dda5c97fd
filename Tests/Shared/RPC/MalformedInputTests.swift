import GoogleAPI
import HTTP2
import Messages
import RPCCore
import RPCTransport
import TLS
import TestSupport
import Testing

@Suite(.onOwnThread) struct MalformedInputTests {
  typealias Fields = [(String, String)]

  /// The headers of a good call, with some replaced (nil removes) or added.
  static func fields(_ changes: [String: String?] = [:], adding: Fields = []) -> Fields {
    var fields: Fields = [
      (":method", "POST"), (":scheme", "https"), (":path", EchoService.echo.path),
      (":authority", "server.test"), ("te", "trailers"), ("content-type", "application/grpc"),
    ]
    fields = fields.compactMap { name, value in
      guard let change = changes[name] else { return (name, value) }
      return change.map { (name, $0) }
    }
    return fields + adding
  }

  /// A message with its prefix.
  static func framed(_ text: String) throws -> [UInt8] {
    let message = try AnyMessage(typeURL: text).serialized()
    return [0, 0, 0, 0, UInt8(message.count)] + message
  }

  /// Runs a test on a raw connection, then checks that the server still answers others.
  static func withPeer(
    limits: RPCLimits = .standard, _ body: (RawPeer) throws -> Void
  ) async throws {
    try await withServer(try await TestServer(limits: limits)) { server in
      let peer = try RawPeer(port: server.port, certificates: server.certificates)
      try body(peer)
      let channel = try server.channel()
      #expect(try await channel.echo("still here").typeURL == "still here")
      await channel.close()
    }
  }

  struct BadHeaders: Sendable, CustomTestStringConvertible {
    let name: String
    var changes: [String: String?] = [:]
    var adding: [String: String] = [:]
    let grpc: String
    var testDescription: String { name }
  }

  static let badHeaders: [BadHeaders] = [
    BadHeaders(name: "no te", changes: ["te": nil], grpc: "13"),
    BadHeaders(
      name: "a query", changes: [":path": EchoService.echo.path + "?a"], grpc: "12"),
    BadHeaders(
      name: "another case", changes: [":path": "/Kontor.test.v1.EchoService/echo"], grpc: "12"),
    BadHeaders(name: "an unknown method", changes: [":path": "/a/b"], grpc: "12"),
    BadHeaders(name: "another host", adding: ["host": "elsewhere"], grpc: "13"),
    BadHeaders(name: "timeout -1S", adding: ["grpc-timeout": "-1S"], grpc: "13"),
    BadHeaders(name: "timeout of a letter", adding: ["grpc-timeout": "S"], grpc: "13"),
    BadHeaders(
      name: "timeout without unit", adding: ["grpc-timeout": "10"], grpc: "13"),
    BadHeaders(name: "an empty timeout", adding: ["grpc-timeout": ""], grpc: "13"),
    BadHeaders(
      name: "timeout of nine digits", adding: ["grpc-timeout": "123456789S"], grpc: "13"),
    BadHeaders(name: "timeout zero", adding: ["grpc-timeout": "0n"], grpc: "4"),
    BadHeaders(
      name: "an unknown encoding", adding: ["grpc-encoding": "snappy"], grpc: "12"),
    BadHeaders(name: "bad base64", adding: ["x-a-bin": "A"], grpc: "13"),
    BadHeaders(
      name: "a long header list", adding: ["x-long": String(repeating: "x", count: 17_000)],
      grpc: "8"),
  ]

  @Test("A handler that goes on after its stream's reset keeps its place among the streams")
  func handlersOfResetStreams() async throws {
    var limits = RPCLimits()
    limits.http2.maximumConcurrentStreams = 2
    try await withServer(try await TestServer(limits: limits)) { server in
      let peer = try RawPeer(port: server.port, certificates: server.certificates)
      try peer.begin()
      func call(_ what: String) throws -> Int32 {
        try peer.request(Self.fields(), try Self.framed(what))
      }
      let ids = try (0..<2).map { _ in try call("gate") }
      while server.events.count("started") < 2 { await Task.yield() }
      for id in ids { peer.reset(id) }
      #expect(peer.answer(try call("x")).closeCode == .refusedStream)
      server.events.note("open")
      var answer = RawPeer.Answer()
      try await server.advance(seconds: 0) {
        answer = (try? call("x")).map { peer.answer($0) } ?? answer
        return answer.closeCode != .refusedStream
      }
      #expect(answer.grpcStatus == "0")
    }
  }

  @Test(
    "A request with bad headers is answered, also while it arrives", arguments: badHeaders,
    [true, false])
  func headers(_ bad: BadHeaders, end: Bool) async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      let fields = Self.fields(bad.changes, adding: bad.adding.map { ($0.key, $0.value) })
      let id = try peer.request(fields, try Self.framed("x"), end: end)
      let answer = peer.answer(id)
      #expect(answer.httpStatus == "200")
      #expect(answer.grpcStatus == bad.grpc)
      #expect(answer.blocks.count == 1 && answer.data.isEmpty)
      if bad.grpc == "12" {
        #expect(answer.blocks[0]["grpc-accept-encoding"] == "identity,deflate,gzip")
      }
      let next = try peer.request(Self.fields(), try Self.framed("next"))
      #expect(peer.answer(next).grpcStatus == "0")
    }
  }

  struct NotGRPC: Sendable, CustomTestStringConvertible {
    let changes: [String: String?]
    let status: String
    let text: String
    var testDescription: String { "\(changes)" }
  }

  static let notGRPC = [
    NotGRPC(changes: [":method": "GET"], status: "405", text: "gRPC requests are POST\n"),
    NotGRPC(changes: [":method": "HEAD"], status: "405", text: ""),
    NotGRPC(
      changes: ["content-type": "text/plain"], status: "415",
      text: "gRPC requests have content type application/grpc\n"),
    NotGRPC(
      changes: ["content-type": nil], status: "415",
      text: "gRPC requests have content type application/grpc\n"),
    NotGRPC(
      changes: ["content-type": "application/grpc-web"], status: "415",
      text: "gRPC requests have content type application/grpc\n"),
  ]

  @Test(
    "A request that is not gRPC gets HTTP's answer, and not before its end", arguments: notGRPC,
    [[], Array("content".utf8)])
  func answersHTTP(_ other: NotGRPC, content: [UInt8]) async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      let id = try peer.request(Self.fields(other.changes), content, end: false)
      // What follows on the connection is answered first.
      let next = try peer.request(Self.fields(), try Self.framed("next"))
      #expect(peer.answer(next).grpcStatus == "0")
      #expect(peer.answers[id]?.blocks == [])
      peer.send(id, Array("the end".utf8), end: true)
      let answer = peer.answer(id)
      #expect(answer.httpStatus == other.status && answer.blocks.count == 1)
      #expect(answer.blocks[0]["allow"] == (other.status == "405" ? "POST" : nil))
      #expect(String(decoding: answer.data, as: UTF8.self) == other.text)
      #expect(answer.isEnded && answer.closeCode == .noError)
    }
  }

  @Test("A request that is not gRPC and is given up leaves nothing behind")
  func resetHTTP() async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      for _ in 0..<300 {
        peer.reset(try peer.request(Self.fields([":method": "GET"]), end: false))
      }
      let next = try peer.request(Self.fields(), try Self.framed("next"))
      #expect(peer.answer(next).grpcStatus == "0")
    }
  }

  @Test(
    "Good variations are accepted",
    arguments: [
      [("content-type", "application/grpc+proto")], [("content-type", "application/grpc;a=b")],
      [("grpc-timeout", "99999999H")], [("grpc-encoding", "identity")],
      [("x-a-bin", "AA=="), ("x-b-bin", "AA,AAE"), ("x-c-bin", "")],
      [("traceparent", String(repeating: "\u{e9}", count: 10))],
    ])
  func variations(_ adding: Fields) async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      let replaced = Dictionary(
        adding.filter { $0.0 == "content-type" }.map { ($0.0, Optional($0.1)) },
        uniquingKeysWith: { first, _ in first })
      let fields = Self.fields(replaced, adding: adding.filter { $0.0 != "content-type" })
      let id = try peer.request(fields, try Self.framed("x"))
      #expect(peer.answer(id).grpcStatus == "0")
    }
  }

  static let badBodies: [(String, [UInt8], String)] = [
    ("no message", [], "12"),
    ("two messages", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "12"),
    ("a truncated prefix", [0, 0, 0], "13"),
    ("a truncated message", [0, 0, 0, 0, 9, 1, 2], "13"),
    ("a length of 4 GiB", [0, 255, 255, 255, 255], "8"),
    ("a length beyond the limit", [0, 0, 64, 0, 1], "8"),
    ("compressed without an encoding", [1, 0, 0, 0, 0], "13"),
    ("an unknown flag", [2, 0, 0, 0, 0], "13"),
    ("not protobuf", [0, 0, 0, 0, 2, 255, 255], "13"),
    ("bad UTF-8", [0, 0, 0, 0, 3, 10, 1, 255], "13"),
  ]

  @Test("A request with a bad body is answered", arguments: badBodies)
  func bodies(name: String, body: [UInt8], status: String) async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      let id = try peer.request(Self.fields(), body)
      #expect(peer.answer(id).grpcStatus == status)
    }
  }

  @Test("A message arrives in DATA frames of any size")
  func pieces() async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      let body = try Self.framed("in pieces")
      let id = try peer.request(Self.fields(), [body[0]], end: false)
      for index in 1..<body.count { peer.send(id, [body[index]], end: index == body.count - 1) }
      let answer = peer.answer(id)
      #expect(answer.grpcStatus == "0")
      #expect(answer.data == body)
    }
  }

  @Test("An oversized prefix is refused before the message comes")
  func oversizedPrefix() async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      let id = try peer.request(Self.fields(), [0, 255, 255, 255, 255], end: false)
      #expect(peer.answer(id).grpcStatus == "8")
    }
  }

  @Test(
    "Bytes that are not TLS end the connection",
    arguments: [
      Array("GET / HTTP/1.1\r\n\r\n".utf8),
      [22, 3, 1, 255, 255] + [UInt8](repeating: 9, count: 200),
      [UInt8](repeating: 0, count: 100),
    ])
  func notTLS(_ bytes: [UInt8]) async throws {
    try await Self.withPeer { peer in
      peer.writeRaw(bytes)
      if bytes[0] == 22 { peer.writeRaw([UInt8](repeating: 7, count: 70_000)) }
      peer.readToEnd()
      #expect(peer.isClosed)
    }
  }

  @Test("TLS without the HTTP/2 preface ends the connection")
  func badPreface() async throws {
    try await Self.withPeer { peer in
      try peer.handshake()
      try peer.write(Array("GET / HTTP/1.1\r\nHost: server.test\r\n\r\n".utf8))
      peer.readToEnd()
      #expect(peer.isClosed)
    }
  }

  @Test("A frame beyond the maximum size ends the connection with GOAWAY")
  func hugeFrame() async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      try peer.write([255, 255, 255, 0, 0, 0, 0, 0, 1])
      peer.readToEnd()
      #expect(peer.goAway == .frameSizeError)
    }
  }

  @Test("A header list beyond 64 KiB ends the connection with GOAWAY")
  func headerBomb() async throws {
    try await Self.withPeer { peer in
      try peer.begin()
      // A field x of 15 000 bytes, literal (RFC 7541, 6.2.2), in a frame of its own each time.
      let field: [UInt8] = [0, 1, 0x78, 0x7F, 0x99, 0x74] + [UInt8](repeating: 0x79, count: 15_000)
      let size = [UInt8(0), UInt8(field.count >> 8), UInt8(field.count & 0xFF)]
      try peer.write(size + [1, 0, 0, 0, 0, 1] + field)
      for _ in 0..<6 { try peer.write(size + [9, 0, 0, 0, 0, 1] + field) }
      peer.readToEnd()
      #expect(peer.goAway == .enhanceYourCalm)
    }
  }

  @Test("Rapid resets end the connection")
  func rapidReset() async throws {
    var limits = RPCLimits()
    limits.http2.resetBurstFrames = 50
    try await Self.withPeer(limits: limits) { peer in
      try peer.begin()
      for _ in 0..<200 where !peer.isClosed {
        guard let id = try? peer.request(Self.fields(), [0], end: false) else { break }
        peer.reset(id)
      }
      peer.readToEnd()
      #expect(peer.goAway == .enhanceYourCalm)
    }
  }

  @Test("A flood of PING ends the connection")
  func pingFlood() async throws {
    var limits = RPCLimits()
    limits.http2.idleBurstFrames = 100
    try await Self.withPeer(limits: limits) { peer in
      try peer.begin()
      let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
      for _ in 0..<400 { try peer.write(ping) }
      peer.readToEnd()
      #expect(peer.goAway == .enhanceYourCalm)
    }
  }

  @Test("Random bytes after the handshake never end the server", arguments: 0..<20)
  func random(round: Int) async throws {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    try await Self.withPeer { peer in
      try peer.begin()
      try peer.write(bytes)
      peer.readToEnd()
      #expect(peer.isClosed)
    }
  }
}
