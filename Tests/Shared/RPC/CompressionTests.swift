import Compression
import GoogleAPI
import Messages
import RPCCore
import RPCTransport
import TestSupport
import Testing

@Suite(.onOwnThread) struct CompressionTests {
  private static func compressed(_ bytes: [UInt8], _ encoding: MessageEncoding) throws -> [UInt8] {
    try bytes.withUnsafeBytes { try encoding.compress($0) }
  }

  private static func framed(_ bytes: [UInt8]) -> [UInt8] {
    [1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
  }

  private static func answer(
    _ encoding: MessageEncoding, _ body: [UInt8], _ method: MethodDescriptor = EchoService.echo
  ) async throws -> RawPeer.Answer {
    var result = RawPeer.Answer()
    try await MalformedInputTests.withPeer { peer in
      try peer.begin()
      let id = try peer.request(
        MalformedInputTests.fields(
          [":path": method.path], adding: [("grpc-encoding", "\(encoding)")]), body)
      result = peer.answer(id)
    }
    return result
  }

  @Test("Bytes survive both formats", arguments: MessageEncoding.allCases, [0, 1, 100_000])
  func roundTrip(encoding: MessageEncoding, size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    let small = try Self.compressed(bytes, encoding)
    #expect(try small.withUnsafeBytes { try encoding.decompress($0, limit: size) } == bytes)
    for cut in [0, small.count / 2, small.count - 1] {
      #expect(throws: MessageEncoding.Failure.corrupt) {
        try Array(small[..<cut]).withUnsafeBytes { try encoding.decompress($0, limit: size) }
      }
    }
    #expect(throws: MessageEncoding.Failure.corrupt) {
      try (small + [0]).withUnsafeBytes { try encoding.decompress($0, limit: size) }
    }
  }

  @Test("A compressed request is answered, beside plain ones", arguments: MessageEncoding.allCases)
  func request(encoding: MessageEncoding) async throws {
    let plain = try MalformedInputTests.framed("hello")
    let body = Self.framed(try Self.compressed(Array(plain.dropFirst(5)), encoding))
    let unary = try await Self.answer(encoding, body)
    #expect(unary.grpcStatus == "0" && unary.data == plain)
    let stream = try await Self.answer(encoding, body + plain + body, StreamService.chat)
    let end = try MalformedInputTests.framed("end")
    #expect(stream.grpcStatus == "0" && stream.data == plain + plain + plain + end)
  }

  @Test(
    "Corrupt data is INTERNAL, a bomb RESOURCE_EXHAUSTED",
    arguments: [EchoService.echo, StreamService.chat])
  func refused(method: MethodDescriptor) async throws {
    let corrupt = try await Self.answer(.gzip, Self.framed([1, 2, 3]), method)
    #expect(corrupt.grpcStatus == "13")
    let bomb = try Self.compressed([UInt8](repeating: 0, count: 50_000_000), .gzip)
    let bombed = try await Self.answer(.gzip, Self.framed(bomb), method)
    #expect(bombed.grpcStatus == "8")
  }

  // MARK: Sending

  @Test(
    "A client compresses when its call asks for it, message by message",
    arguments: CallTransport.allCases, CallService.kinds)
  func sent(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let options = CallOptions(compression: kind == .unary ? .deflate : .gzip)
      let types = kind == .clientStreaming || kind == .bidirectional ? ["a", "plain", "b"] : ["a"]
      let answers = try await channel.call(kind, types, options: options)
      switch kind {
      case .clientStreaming: #expect(answers == ["a+plainb+"])
      case .bidirectional: #expect(answers == ["a+", "plain", "b+"])
      default: #expect(answers == ["a+"])
      }
      #expect(try await channel.call(kind).joined() == "a")
    }
  }

  @Test(
    "A channel's compression is that of the calls that have none",
    arguments: CallTransport.allCases, CallService.kinds)
  func channelDefault(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration], compression: .gzip) {
      channel async throws in
      #expect(try await channel.call(kind) == ["a+"])
      #expect(try await channel.call(kind, options: CallOptions(compression: .identity)) == ["a"])
    }
  }

  @Test(
    "A server compresses when its handler asks for it and the client accepts it",
    arguments: CallTransport.allCases, CallService.kinds)
  func answered(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      var options = CallOptions(metadata: ["x-compress": kind == .unary ? "deflate" : "gzip"])
      #expect(try await channel.call(kind, options: options) == ["a"])
      options.acceptsCompression = true
      #expect(try await channel.call(kind, options: options) == ["+a"])
      if kind == .bidirectional {
        let answers = try await channel.call(kind, ["a", "plain", "b"], options: options)
        #expect(answers == ["+a", "plain", "+b"])
      }
      options.metadata.append("x-fail", "")
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .aborted)
    }
  }

  @Test("What goes over the wire is smaller and says how, in either kind of answer")
  func wire() async throws {
    let server = try await TestServer(services: [CallService.registration])
    try await withServer(server) { server in
      let peer = try RawPeer(port: server.port, certificates: server.certificates)
      try peer.begin()
      let plain = try AnyMessage(typeURL: "a", value: [UInt8](repeating: 7, count: 1000))
        .serialized()
      let body = [0] + Self.framed(plain).dropFirst()
      for kind in [MethodDescriptor.Kind.unary, .bidirectional] {
        func answer(_ accepted: String) throws -> RawPeer.Answer {
          peer.answer(
            try peer.request(
              MalformedInputTests.fields(
                [":path": CallService.method(kind).path],
                adding: [("grpc-accept-encoding", accepted), ("x-compress", "gzip")]), body))
        }
        for accepted in ["gzip", "identity, gzip ,deflate", "br,gzip"] {
          let answer = try answer(accepted)
          #expect(answer.blocks.first?["grpc-encoding"] == "gzip")
          #expect(answer.data.first == 1 && answer.data.count < 100)
          let message = try answer.data.dropFirst(5).withUnsafeBytes {
            try MessageEncoding.gzip.decompress($0, limit: 2000)
          }
          #expect(message == plain)
        }
        for accepted in ["", "identity", "deflate,br", "gzipped", ",,,"] {
          let answer = try answer(accepted)
          #expect(answer.blocks.first?["grpc-encoding"] == nil)
          #expect(answer.data == body)
        }
      }
    }
  }

  @Test("A bomb in an answer costs a client no more than its limit", arguments: CallService.kinds)
  func bombedClient(kind: MethodDescriptor.Kind) async throws {
    let bomb = ServiceRegistration(
      name: CallService.name,
      methods: [
        MethodHandler(unary: CallService.method(.unary)) {
          (_: AnyMessage, context: ServerContext) in
          context.response.compression = .gzip
          return Self.bomb
        },
        MethodHandler(clientStreaming: CallService.method(.clientStreaming)) {
          (requests: MessageReader<AnyMessage>, context: ServerContext) in
          while try await requests.next() != nil {}
          context.response.compression = .gzip
          return Self.bomb
        },
        MethodHandler(serverStreaming: CallService.method(.serverStreaming)) {
          (_: AnyMessage, writer: MessageWriter<AnyMessage>, context: ServerContext) in
          context.response.compression = .gzip
          try await writer.write(Self.bomb)
        },
        MethodHandler(bidirectional: CallService.method(.bidirectional)) {
          (
            requests: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>,
            context: ServerContext
          ) in
          while try await requests.next() != nil {}
          context.response.compression = .gzip
          try await writer.write(Self.bomb)
        },
      ])
    try await withServer(try await TestServer(services: [bomb])) { server in
      var limits = RPCLimits()
      limits.maximumMessageBytes = 100_000
      let channel = try server.channel(limits: limits)
      let options = CallOptions(acceptsCompression: true)
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .resourceExhausted)
      #expect(error?.reason == "MESSAGE_TOO_LARGE")
      #expect(try await channel.echo("next").typeURL == "next")
      await channel.close()
    }
  }

  private static let bomb = AnyMessage(value: [UInt8](repeating: 0, count: 3_000_000))
}
