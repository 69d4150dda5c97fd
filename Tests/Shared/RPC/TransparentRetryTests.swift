import GoogleAPI
import HTTP2
import NIOCore
import NIOPosix
import RPCCore
import TestSupport
import Testing

@testable import RPCTransport

@Suite("Transparent retries", .onOwnThread)
struct TransparentRetryTests {
  /// The kinds of call, each as one call of an echo; the raw server answers all the same.
  enum Kind: CaseIterable, Sendable {
    case unary, clientStreaming, serverStreaming, bidirectional

    func call(_ channel: RPCChannel, _ options: CallOptions) async throws -> String? {
      let request = AnyMessage(typeURL: "x")
      switch self {
      case .unary:
        return try await channel.echo("x", options: options).typeURL
      case .clientStreaming:
        let answer: AnyMessage = try await channel.clientStreaming(
          StreamService.collect, options: options
        ) { (writer: MessageWriter<AnyMessage>) in try await writer.write(request) }
        return answer.typeURL
      case .serverStreaming:
        return try await channel.serverStreaming(StreamService.count, request, options: options) {
          (answers: MessageReader<AnyMessage>) in try await Self.only(answers)
        }
      case .bidirectional:
        return try await channel.bidirectional(StreamService.chat, options: options) {
          (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
          try await writer.write(request)
          await writer.finish()
          return try await Self.only(answers)
        }
      }
    }

    private static func only(_ answers: MessageReader<AnyMessage>) async throws -> String? {
      let first = try await answers.next()
      #expect(try await answers.next() == nil)
      return first?.typeURL
    }
  }

  /// Lets a script answer a client's connections, and makes one call meanwhile.
  private static func run(
    _ kind: Kind = .unary, policy: RetryPolicy? = nil,
    options: CallOptions = CallOptions(timeout: .seconds(60)),
    _ script: @escaping @Sendable (RawServer) throws -> Void
  ) async throws -> Result<String?, RPCError> {
    let server = try RawServer()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel = try server.channel(
      ServiceConfig(
        methodConfigs: policy.map { [try MethodConfig([.all], retryPolicy: $0)] } ?? []),
      group)
    async let answering: Void = script(server)
    var outcome: Result<String?, RPCError> = .success(nil)
    do {
      outcome = .success(try await kind.call(channel, options))
    } catch let error as RPCError {
      outcome = .failure(error)
    }
    // Scripts read until the client closes.
    await channel.close()
    try await answering
    try await group.shutdownGracefully()
    return outcome
  }

  /// What the client asks for: `x`, and no attempts before.
  private static func check(_ request: RawPeer.Answer?, previousAttempts: String? = nil) throws {
    #expect(try request?.data == MalformedInputTests.framed("x"))
    #expect(request?.blocks.first?["grpc-previous-rpc-attempts"] == previousAttempts)
  }

  /// Answers the next request.
  private static func answer(_ peer: RawPeer, previousAttempts: String? = nil) throws {
    let id = try peer.nextRequest()
    try check(peer.answers[id], previousAttempts: previousAttempts)
    peer.respond(id, try MalformedInputTests.framed("done"))
    peer.readToEnd()
  }

  @Test(
    "A refused stream is sent again at once, once, and nobody notices",
    arguments: Kind.allCases, [true, false])
  func refused(kind: Kind, waitForReady: Bool) async throws {
    let options = CallOptions(timeout: .seconds(60), waitForReady: waitForReady)
    let outcome = try await Self.run(kind, options: options) { server in
      let peer = try server.accept()
      peer.reset(try peer.nextRequest(), .refusedStream)
      try Self.answer(peer)
    }
    #expect(try outcome.get() == "done")
  }

  @Test(
    "A stream above GOAWAY's last is sent again on another connection",
    arguments: Kind.allCases, [true, false])
  func goAway(kind: Kind, waitForReady: Bool) async throws {
    let options = CallOptions(timeout: .seconds(60), waitForReady: waitForReady)
    let outcome = try await Self.run(kind, options: options) { server in
      let first = try server.accept()
      _ = try first.nextRequest()
      try first.goAway(last: 0)
      try Self.answer(server.accept())
      first.readToEnd()
    }
    #expect(try outcome.get() == "done")
  }

  @Test("What is refused twice fails, whichever way", arguments: Kind.allCases)
  func refusedTwice(kind: Kind) async throws {
    let outcome = try await Self.run(kind) { server in
      let first = try server.accept()
      _ = try first.nextRequest()
      try first.goAway(last: 0)
      let second = try server.accept()
      second.reset(try second.nextRequest(), .refusedStream)
      second.readToEnd()
    }
    #expect(outcome.code == .unavailable)
  }

  @Test("A second refusal is the policy's, which does not count the first")
  func policy() async throws {
    let policy = try RetryPolicy(
      maxAttempts: 2, initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(1),
      backoffMultiplier: 1, retryableStatusCodes: [.unavailable])
    let outcome = try await Self.run(policy: policy) { server in
      let peer = try server.accept()
      peer.reset(try peer.nextRequest(), .refusedStream)
      peer.reset(try peer.nextRequest(), .refusedStream)
      try Self.answer(peer, previousAttempts: "1")
    }
    #expect(try outcome.get() == "done")
  }

  @Test(
    "A call that the server may have processed is not sent again without a policy",
    arguments: Kind.allCases)
  func processed(kind: Kind) async throws {
    for isSaid in [true, false] {
      let outcome = try await Self.run(kind) { server in
        let peer = try server.accept()
        let id = try peer.nextRequest()
        if isSaid { try peer.goAway(last: id) }
        // The connection ends with `peer`; another one would wait for an answer in vain.
      }
      #expect(outcome.code == .unavailable)
    }
    for code in [HTTP2ErrorCode.cancel, .internalError, .noError] {
      let outcome = try await Self.run(kind) { server in
        let peer = try server.accept()
        peer.reset(try peer.nextRequest(), code)
        peer.readToEnd()
        #expect(peer.answers.count == 1)
      }
      #expect(outcome.code != nil)
    }
  }

  @Test("Once the answer has begun a refusal comes too late", arguments: Kind.allCases)
  func answered(kind: Kind) async throws {
    let outcome = try await Self.run(kind) { server in
      let peer = try server.accept()
      let id = try peer.nextRequest()
      peer.respond(id, trailers: nil)
      peer.reset(id, .refusedStream)
      peer.readToEnd()
      #expect(peer.answers.count == 1)
    }
    #expect(outcome.code == .unavailable)
  }

  @Test("The deadline spans transparent retries")
  func deadline() async throws {
    let outcome = try await Self.run { server in
      let peer = try server.accept()
      let first = try peer.nextRequest()
      // So long that the second attempt has less of it.
      let before = Deadline.now()
      while Deadline.now() <= before + 1_000_000 { sched_yield() }
      peer.reset(first, .refusedStream)
      let second = try peer.nextRequest()
      let timeouts = [first, second].map { id in
        peer.answers[id]?.blocks.first?["grpc-timeout"].flatMap { Timeout.parse($0.utf8) }
      }
      #expect(try #require(timeouts[1]) < #require(timeouts[0]))
      peer.respond(second, try MalformedInputTests.framed("done"))
      peer.readToEnd()
    }
    #expect(try outcome.get() == "done")
  }

  @Test(
    "Calls of a connection that is lost before their HEADERS went out go on over another",
    arguments: [true, false])
  func neverSent(waitForReady: Bool) async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      _ = try await channel.echo("x")
      let loop = channel.home
      // The second connection in a row that is lost at once has the channel wait, which calls that
      // do not wait would fail at.
      for _ in 0..<(waitForReady ? 5 : 1) {
        async let answer: RawResponse = withCheckedThrowingContinuation { continuation in
          loop.execute {
            guard let part = channel.part(of: loop) else { return }
            let call = ClientCall(
              method: EchoService.echo, request: [],
              options: CallOptions(timeout: .seconds(60), waitForReady: waitForReady),
              deadline: nil, config: nil, channel: part, continuation: continuation)
            part.start(call)
            // Frames are made at the end of the turn, which does not come.
            call.connection?.close("lost on purpose")
          }
        }
        _ = try await answer
      }
      await channel.close()
    }
  }

  @Test("Messages beyond the limit are kept as long as nothing has left")
  func keptMessages() {
    var messages = SentMessages(limit: 100)
    messages.append([UInt8](repeating: 0, count: 1000), compress: false, hasLeft: false)
    #expect(messages.areComplete && messages.messages.count == 1)
    messages.append([1], compress: false, hasLeft: true)
    #expect(!messages.areComplete && messages.messages.isEmpty)
  }

  @Test("A call is made again as often as it was never sent, and once when it was refused")
  func count() {
    var retries = TransparentRetries()
    let fates =
      [AttemptFate](repeating: .neverSent, count: 100) + [
        .notProcessed, .notProcessed, .neverSent, .notProcessed, .unknown,
      ]
    let isMade = fates.map { retries.attemptEnded($0) }
    #expect(isMade == [Bool](repeating: true, count: 100) + [true, false, true, false, false])
  }
}

extension Result where Failure == RPCError {
  fileprivate var code: StatusCode? {
    if case .failure(let error) = self { error.code } else { nil }
  }
}
