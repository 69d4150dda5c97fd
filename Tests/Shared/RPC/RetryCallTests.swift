import GoogleAPI
import RPCCore
import RPCTransport
import TestSupport
import Testing

@Suite("Retried calls")
struct RetryCallTests {
  private static func config(
    maxAttempts: Int = 4, backoff: Duration = .milliseconds(1), throttling: RetryThrottling? = nil
  ) throws -> ServiceConfig {
    try ServiceConfig(
      methodConfigs: [
        MethodConfig(
          [.all],
          retryPolicy: RetryPolicy(
            maxAttempts: maxAttempts, initialBackoff: backoff, maxBackoff: backoff,
            backoffMultiplier: 1, retryableStatusCodes: [.unavailable]))
      ], retryThrottling: throttling)
  }

  /// Runs a test with a channel whose calls are tried again.
  private static func withChannel(
    _ config: ServiceConfig, limits: RPCLimits = .standard,
    _ body: (RPCChannel, TestServer) async throws -> Void
  ) async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel(limits: limits, serviceConfig: config)
      try await body(channel, server)
      await channel.close()
    }
  }

  @Test("A call that fails twice succeeds at the third attempt, and the server knows the number")
  func succeeds() async throws {
    try await Self.withChannel(Self.config()) { channel, server in
      let answer = try await channel.echo("flaky 2")
      #expect(answer.typeURL == "after 2")
      #expect(server.events.count("attempt") == 3)
    }
  }

  @Test("When the attempts are used up the last status is the call's")
  func usedUp() async throws {
    try await Self.withChannel(Self.config(maxAttempts: 3)) { channel, server in
      let error = await failure { _ = try await channel.echo("flaky 9") }
      #expect(error?.code == .unavailable && error?.reason == "FLAKY")
      #expect(server.events.count("attempt") == 3)
    }
  }

  @Test("Without a policy there is one attempt")
  func noPolicy() async throws {
    try await Self.withChannel(.standard) { channel, server in
      let error = await failure { _ = try await channel.echo("flaky 1") }
      #expect(error?.reason == "FLAKY")
      #expect(server.events.count("attempt") == 1)
    }
  }

  @Test("A status that the policy does not name is the call's")
  func otherCode() async throws {
    try await Self.withChannel(Self.config()) { channel, _ in
      let error = await failure { _ = try await channel.echo("fail") }
      #expect(error?.code == .failedPrecondition)
    }
  }

  @Test("A server that pushes back sets the wait or forbids the retry")
  func pushback() async throws {
    try await Self.withChannel(Self.config(backoff: .seconds(600))) { channel, server in
      let answer = try await channel.echo("flaky 1", value: Array("0".utf8))
      #expect(answer.typeURL == "after 1")
      for text in ["-1", "soon"] {
        let error = await failure { _ = try await channel.echo("flaky 1", value: Array(text.utf8)) }
        #expect(error?.reason == "FLAKY")
      }
      #expect(server.events.count("attempt") == 4)
    }
  }

  @Test("A retry that would begin after the deadline is not waited for")
  func deadline() async throws {
    try await Self.withChannel(Self.config(backoff: .seconds(600))) { channel, _ in
      let error = await failure {
        _ = try await channel.echo("flaky 1", options: CallOptions(timeout: .seconds(300)))
      }
      #expect(error?.reason == "FLAKY")
    }
  }

  @Test("Retries stop when too many calls fail")
  func throttling() async throws {
    let config = try Self.config(throttling: RetryThrottling(maxTokens: 4, tokenRatio: 0.1))
    try await Self.withChannel(config) { channel, server in
      for _ in 0..<3 { _ = await failure { _ = try await channel.echo("flaky 9") } }
      // Two attempts of the first call, then one each.
      #expect(server.events.count("attempt") == 4)
    }
  }

  @Test("A call that waits for its next attempt ends when it is cancelled")
  func cancelled() async throws {
    try await Self.withChannel(Self.config(backoff: .seconds(600))) { channel, server in
      let call = Task { try await channel.echo("flaky 1") }
      await server.events.wait(for: "attempt")
      call.cancel()
      let error = await failure { _ = try await call.value }
      #expect(error?.code == .cancelled)
    }
  }

  @Test("A call that waits for its next attempt ends when the channel is closed")
  func closed() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel(
        serviceConfig: try Self.config(backoff: .seconds(600)))
      let call = Task { try await channel.echo("flaky 1") }
      await server.events.wait(for: "attempt")
      await channel.close()
      let error = await failure { _ = try await call.value }
      #expect(error?.code == .unavailable)
    }
  }

  @Test("A stream's messages are sent again")
  func stream() async throws {
    try await Self.withChannel(Self.config()) { channel, server in
      let answer: AnyMessage = try await channel.clientStreaming(
        StreamService.collect, options: CallOptions()
      ) { (writer: MessageWriter<AnyMessage>) in
        for index in 0..<20 { try await writer.write(AnyMessage(typeURL: "\(index)")) }
        try await writer.write(AnyMessage(typeURL: "flaky"))
        try await writer.write(AnyMessage(typeURL: "last"))
      }
      #expect(answer.typeURL == "22")
      #expect(server.events.count("attempt") == 2)
    }
  }

  @Test("A stream that has sent more than is kept is not tried again")
  func longStream() async throws {
    var limits = RPCLimits.standard
    limits.maximumRetryBufferBytes = 1000
    try await Self.withChannel(Self.config(), limits: limits) { channel, server in
      let error = await failure {
        let _: AnyMessage = try await channel.clientStreaming(
          StreamService.collect, options: CallOptions()
        ) { (writer: MessageWriter<AnyMessage>) in
          try await writer.write(
            AnyMessage(typeURL: "x", value: [UInt8](repeating: 0, count: 2000)))
          try await writer.write(AnyMessage(typeURL: "flaky"))
        }
      }
      #expect(error?.reason == "FLAKY")
      #expect(server.events.count("attempt") == 1)
    }
  }

  @Test("A stream whose answer has begun is not tried again")
  func committedStream() async throws {
    try await Self.withChannel(Self.config()) { channel, server in
      let error = await failure {
        try await channel.bidirectional(StreamService.chat, options: CallOptions()) {
          (reader: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
          try await writer.write(AnyMessage(typeURL: "first"))
          _ = try await reader.next()
          try await writer.write(AnyMessage(typeURL: "flaky"))
          _ = try await reader.next()
        }
      }
      #expect(error?.reason == "FLAKY")
      #expect(server.events.count("attempt") == 1)
    }
  }

  @Test("A method's limits on messages and time count")
  func limits() async throws {
    let config = try ServiceConfig(
      methodConfigs: [
        MethodConfig(
          [.method(service: EchoService.echo.service, name: EchoService.echo.name)],
          timeout: .milliseconds(50), maxRequestMessageBytes: 1000, maxResponseMessageBytes: 20),
        MethodConfig([.service(StreamService.name)], maxRequestMessageBytes: 10),
      ])
    try await Self.withChannel(config) { channel, _ in
      let long = [UInt8](repeating: 1, count: 1000)
      let request = await failure { _ = try await channel.echo("x", value: long) }
      #expect(request?.code == .resourceExhausted && request?.reason == "MESSAGE_TOO_LARGE")
      let slow = await failure {
        _ = try await channel.echo("wait", options: CallOptions(timeout: .seconds(300)))
      }
      #expect(slow?.code == .deadlineExceeded)
      let stream = await failure {
        let _: AnyMessage = try await channel.clientStreaming(
          StreamService.collect, options: CallOptions()
        ) { (writer: MessageWriter<AnyMessage>) in
          try await writer.write(AnyMessage(typeURL: "longer than ten bytes"))
        }
      }
      #expect(stream?.reason == "MESSAGE_TOO_LARGE")
    }
  }
}
