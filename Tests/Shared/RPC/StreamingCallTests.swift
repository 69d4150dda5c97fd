import GoogleAPI
import HTTP2
import RPCCore
import RPCTransport
import TestSupport
import Testing

@Suite(.onOwnThread) struct StreamingCallTests {
  static let none = CallOptions()

  private static func text(_ what: String, _ size: Int = 0) -> AnyMessage {
    AnyMessage(typeURL: what, value: [UInt8](repeating: 7, count: size))
  }

  private static func count(_ channel: any ClientChannel, _ number: Int) async throws -> [String] {
    try await channel.serverStreaming(StreamService.count, text("\(number)"), options: none) {
      (answers: MessageReader<AnyMessage>) in
      var all: [String] = []
      for try await answer in answers { all.append(answer.typeURL) }
      return all
    }
  }

  @Test(
    "The three streaming kinds carry their messages in order and end OK",
    arguments: CallTransport.allCases, [0, 1, 5])
  func kinds(transport: CallTransport, number: Int) async throws {
    try await transport.run { channel, _ async throws in
      #expect(try await Self.count(channel, number) == (0..<number).map { "\($0)" })
      let collected: AnyMessage = try await channel.clientStreaming(
        StreamService.collect, options: Self.none
      ) { (writer: MessageWriter<AnyMessage>) in
        for index in 0..<number { try await writer.write(Self.text("\(index)")) }
      }
      #expect(collected.typeURL == "\(number)")
      let said = try await channel.bidirectional(StreamService.chat, options: Self.none) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        var said: [String] = []
        for index in 0..<number {
          try await writer.write(Self.text("\(index)"))
          said.append(try await answers.next()?.typeURL ?? "nothing")
        }
        await writer.finish()
        while let answer = try await answers.next() { said.append(answer.typeURL) }
        return said
      }
      #expect(said == (0..<number).map { "\($0)" } + ["end"])
    }
  }

  @Test("Ten thousand messages go each way at once", arguments: CallTransport.allCases)
  func many(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      try await channel.bidirectional(StreamService.chat, options: Self.none) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        async let written: Void = {
          for index in 0..<10_000 { try await writer.write(Self.text("\(index)", 100)) }
          await writer.finish()
        }()
        for index in 0..<10_000 { #expect(try await answers.next()?.typeURL == "\(index)") }
        #expect(try await answers.next()?.typeURL == "end")
        #expect(try await answers.next() == nil)
        try await written
      }
    }
  }

  @Test("Messages larger than a window pass", arguments: CallTransport.allCases)
  func large(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      try await channel.bidirectional(StreamService.chat, options: Self.none) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        for _ in 0..<3 {
          try await writer.write(Self.text("large", 3_000_000))
          #expect(try await answers.next()?.value.count == 3_000_000)
        }
      }
    }
  }

  /// Messages of 64 KiB that may be on their way unread: the stream's window, the queue for
  /// sending, the one that went beyond its limit, and the one that is being read.
  private static let unreadLimit =
    (Int(RPCLimits.standard.http2.streamWindowBytes) + RPCLimits.standard.maximumQueuedStreamBytes)
    / 65_536 + 2

  @Test(
    "A server that does not read holds the client's writer back", arguments: CallTransport.allCases)
  func slowServer(transport: CallTransport) async throws {
    try await transport.run { channel, events async throws in
      let answer: AnyMessage = try await channel.clientStreaming(
        StreamService.collect, options: Self.none
      ) { (writer: MessageWriter<AnyMessage>) in
        try await writer.write(Self.text("gate"))
        await events.wait(for: "started")
        let written = Count()
        async let all: Void = {
          for _ in 0..<200 {
            try await writer.write(Self.text("x", 65_536))
            written.increment()
            #expect(written.current <= events.read.current + Self.unreadLimit)
          }
        }()
        // Others on the connection are served meanwhile, also beyond its window.
        for _ in 0..<8 {
          #expect(
            try await channel.echo("other", value: .init(repeating: 1, count: 1_000_000))
              .typeURL == "other")
        }
        #expect(written.current <= Self.unreadLimit)
        events.note("open")
        try await all
      }
      #expect(answer.typeURL == "201")
    }
  }

  @Test(
    "A client that does not read holds the handler's writer back", arguments: CallTransport.allCases
  )
  func slowClient(transport: CallTransport) async throws {
    try await transport.run { channel, events async throws in
      try await channel.serverStreaming(
        StreamService.count, Self.text("200", 65_536), options: Self.none
      ) { (answers: MessageReader<AnyMessage>) in
        for index in 0..<200 {
          if index % 20 == 0 { _ = try await channel.echo("other") }
          #expect(events.written.current <= index + Self.unreadLimit)
          #expect(try await answers.next()?.typeURL == "\(index)")
        }
        #expect(try await answers.next() == nil)
      }
    }
  }

  @Test("A client that leaves cancels the handler", arguments: CallTransport.allCases)
  func leaves(transport: CallTransport) async throws {
    try await transport.run { channel, events async throws in
      try await channel.bidirectional(StreamService.chat, options: Self.none) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        try await writer.write(Self.text("hello"))
        #expect(try await answers.next()?.typeURL == "hello")
      }
      await events.wait(for: "ended CANCELLED")
    }
  }

  @Test("A cancelled task's call ends on both sides", arguments: CallTransport.allCases)
  func cancelled(transport: CallTransport) async throws {
    try await transport.run { channel, events async throws in
      let ready = Events()
      let task = Task {
        try await channel.bidirectional(StreamService.chat, options: Self.none) {
          (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
          try await writer.write(Self.text("hello"))
          _ = try await answers.next()
          ready.note("ready")
          _ = try await answers.next()
        }
      }
      await ready.wait(for: "ready")
      task.cancel()
      await #expect(throws: (any Error).self) { try await task.value }
      await events.wait(for: "ended CANCELLED")
    }
  }

  @Test(
    "A child task that is cancelled stops waiting, and the call goes on",
    arguments: CallTransport.allCases)
  func childCancelled(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      try await channel.bidirectional(StreamService.chat, options: Self.none) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        let child = Task { try await answers.next() }
        child.cancel()
        await #expect(throws: (any Error).self) { try await child.value }
        try await writer.write(Self.text("hello"))
        #expect(try await answers.next()?.typeURL == "hello")
      }
    }
  }

  @Test("The deadline ends a stream on both sides", arguments: CallTransport.allCases)
  func deadline(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      _ = try await channel.echo("connected")
      let error = await failure {
        try await channel.bidirectional(
          StreamService.chat, options: CallOptions(timeout: .milliseconds(50))
        ) { (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
          try await writer.write(Self.text("hello"))
          while try await answers.next() != nil {}
        }
      }
      #expect(error?.code == .deadlineExceeded)
    }
  }

  @Test(
    "What a handler throws in the middle comes after its messages",
    arguments: CallTransport.allCases)
  func fails(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      var said: [String] = []
      let error = await failure {
        try await channel.bidirectional(StreamService.chat, options: Self.none) {
          (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
          for what in ["a", "b", "fail"] { try await writer.write(Self.text(what)) }
          while let answer = try await answers.next() { said.append(answer.typeURL) }
        }
      }
      #expect(said == ["a", "b"])
      #expect(error?.code == .aborted && error?.reason == "ASKED_TO")
    }
  }

  @Test("A server may answer before the last request", arguments: CallTransport.allCases)
  func early(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      let answer: AnyMessage = try await channel.clientStreaming(
        StreamService.collect, options: Self.none
      ) { (writer: MessageWriter<AnyMessage>) in
        try await writer.write(Self.text("enough"))
        while true { try await writer.write(Self.text("more", 10_000)) }
      }
      #expect(answer.typeURL == "1")
    }
  }

  @Test("A stream of a server that is away is UNAVAILABLE")
  func away() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      await channel.close()
      let error = await failure { _ = try await Self.count(channel, 1) }
      #expect(error?.code == .unavailable)
    }
  }

  // MARK: Hostile peers

  private static func fields(_ path: String, adding: [(String, String)] = [])
    -> MalformedInputTests.Fields
  { MalformedInputTests.fields([":path": path], adding: adding) }

  struct Bad: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let status: StatusCode
  }

  @Test(
    "A broken stream ends with its status, after the answers before it",
    arguments: [
      Bad(testDescription: "cut in the body", bytes: [0, 0, 0, 0, 9, 1], status: .internalError),
      Bad(testDescription: "cut in the prefix", bytes: [0, 0, 0], status: .internalError),
      Bad(
        testDescription: "too long", bytes: [0, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        status: .resourceExhausted),
      Bad(testDescription: "compressed", bytes: [1, 0, 0, 0, 1, 1], status: .internalError),
      Bad(testDescription: "flag", bytes: [9, 0, 0, 0, 1, 1], status: .internalError),
      Bad(testDescription: "no message", bytes: [0, 0, 0, 0, 1, 0xFF], status: .internalError),
    ])
  func broken(bad: Bad) async throws {
    try await MalformedInputTests.withPeer { peer in
      try peer.begin()
      let body = try MalformedInputTests.framed("first")
      let id = try peer.request(
        Self.fields(StreamService.chat.path), body + bad.bytes, end: true)
      let answer = peer.answer(id)
      #expect(answer.grpcStatus == "\(bad.status.rawValue)")
      #expect(answer.data == body)
    }
  }

  @Test("The server keeps its own deadline on a stream")
  func serverDeadline() async throws {
    try await MalformedInputTests.withPeer { peer in
      try peer.begin()
      let id = try peer.request(
        Self.fields(StreamService.chat.path, adding: [("grpc-timeout", "20m")]),
        try MalformedInputTests.framed("first"), end: false)
      let answer = peer.answer(id)
      #expect(answer.grpcStatus == "4")
    }
  }

  @Test("Two requests, or none, for a method of one are refused", arguments: [0, 2])
  func wrongCount(number: Int) async throws {
    try await MalformedInputTests.withPeer { peer in
      try peer.begin()
      let body = try MalformedInputTests.framed("3")
      let id = try peer.request(
        Self.fields(StreamService.count.path), Array(repeating: body, count: number).flatMap(\.self)
      )
      #expect(peer.answer(id).grpcStatus == "12")
    }
  }

  @Test("Data after the end costs at most its own connection")
  func dataAfterEnd() async throws {
    try await MalformedInputTests.withPeer { peer in
      try peer.begin()
      let id = try peer.request(
        Self.fields(StreamService.collect.path), try MalformedInputTests.framed("gate"))
      try peer.write([0, 0, 1, 0, 0, 0, 0, 0, UInt8(id), 7])
      #expect(peer.answer(id).grpcStatus != "0")
    }
  }

  @Test("Streams that are reset in the middle end their handlers")
  func reset() async throws {
    try await withServer(try await TestServer()) { server in
      let peer = try RawPeer(port: server.port, certificates: server.certificates)
      try peer.begin()
      let id = try peer.request(
        Self.fields(StreamService.chat.path), try MalformedInputTests.framed("first"), end: false)
      peer.reset(id)
      await server.events.wait(for: "ended CANCELLED")
    }
  }
}
