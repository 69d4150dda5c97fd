import GoogleAPI
import RPCCore
import RPCTransport
import Testing

@Suite("Metadata of calls")
struct CallMetadataTests {
  private static var asked: CallOptions {
    var options = CallOptions(response: ClientResponse())
    options.metadata.append("x-initial", "one")
    options.metadata.append("x-initial", "two")
    options.metadata.append("x-initial-bin", binary: [0, 255])
    options.metadata.append("x-trailing", "three")
    options.metadata.append("x-trailing-bin", binary: [1, 2, 3])
    options.metadata.append("x-trailing-bin", binary: [])
    return options
  }

  private static func expectAsked(_ response: ClientResponse?) {
    let initial = response?.initialMetadata
    #expect(initial?.values("x-initial") == ["one", "two"])
    #expect(initial?.binaryValues("x-initial-bin") == [[0, 255]])
    #expect(initial?.values("x-trailing") == [])
    let trailing = response?.trailingMetadata
    #expect(trailing?.values("x-trailing") == ["three"])
    #expect(trailing?.binaryValues("x-trailing-bin") == [[1, 2, 3], []])
    #expect(trailing?.values("x-initial") == [])
  }

  @Test(
    "Both metadata of a server reach the client, also with an error",
    arguments: CallTransport.allCases, CallService.kinds)
  func both(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      var options = Self.asked
      #expect(try await channel.call(kind, options: options) == ["a"])
      Self.expectAsked(options.response)

      options = Self.asked
      options.metadata.append("x-fail", "why")
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .aborted)
      #expect(error?.metadata["x-error"] == "why")
      #expect(error?.metadata["x-trailing"] == "three")
      Self.expectAsked(options.response)
      #expect(options.response?.trailingMetadata == error?.metadata)
    }
  }

  @Test(
    "A call that sets none has none; an error before the first message is a status alone",
    arguments: CallTransport.allCases, CallService.kinds)
  func none(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let response = ClientResponse()
      #expect(response.initialMetadata == nil && response.trailingMetadata == nil)
      _ = try await channel.call(kind, options: CallOptions(response: response))
      #expect(response.initialMetadata?.values("x-initial") == [])
      #expect(response.trailingMetadata == Metadata())

      let refused = ClientResponse()
      let options = CallOptions(
        metadata: ["x-fail": "", "x-silent": ""], response: refused)
      let types = kind == .bidirectional ? [] : ["a"]
      _ = await failure { _ = try await channel.call(kind, types, options: options) }
      #expect(refused.initialMetadata == nil)
      #expect(refused.trailingMetadata?["x-error"] == "")
    }
  }

  @Test(
    "A stream's initial metadata come before its first message when the handler sends them",
    arguments: CallTransport.allCases)
  func early(transport: CallTransport) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      var options = Self.asked
      options.metadata.append("x-early", "")
      let response = try #require(options.response)
      try await channel.bidirectional(CallService.method(.bidirectional), options: options) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        let initial = try await response.waitForInitialMetadata()
        #expect(initial?.values("x-initial") == ["one", "two"])
        #expect(response.trailingMetadata == nil)
        await writer.finish()
        #expect(try await answers.next() == nil)
      }
      Self.expectAsked(response)
    }
  }

  @Test(
    "Who waits for initial metadata goes on when the call ends without, or is cancelled",
    arguments: CallTransport.allCases)
  func waiting(transport: CallTransport) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let response = ClientResponse()
      let waiter = Task { try await response.waitForInitialMetadata() }
      let cancelled = Task { try await response.waitForInitialMetadata() }
      cancelled.cancel()
      await #expect(throws: CancellationError.self) { try await cancelled.value }
      let options = CallOptions(metadata: ["x-fail": ""], response: response)
      _ = await failure { _ = try await channel.call(.unary, options: options) }
      #expect(try await waiter.value == nil)
      #expect(try await response.waitForInitialMetadata() == nil)
    }
  }

  @Test(
    "What a handler must not send is left out, the rest arrives",
    arguments: CallTransport.allCases, CallService.kinds)
  func unsendable(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    let interceptor = Adding { context in
      for name in ["grpc-status", "te", "bad name", "content-type", ":status"] {
        context.response.initialMetadata.append(name, "1")
        context.response.trailingMetadata.append(name, "1")
      }
      context.response.trailingMetadata.append("x-text", "line\nbreak")
      context.response.trailingMetadata.append("x-long", String(repeating: "a", count: 20_000))
      context.response.initialMetadata.append("x-first", "here")
      context.response.trailingMetadata.append("x-last", "here")
    }
    try await transport.run([CallService.registration], interceptors: [interceptor]) {
      channel async throws in
      let response = ClientResponse()
      #expect(try await channel.call(kind, options: CallOptions(response: response)) == ["a"])
      #expect(response.initialMetadata?["x-first"] == "here")
      #expect(response.initialMetadata?["te"] == nil)
      #expect(response.trailingMetadata == ["x-last": "here"])
    }
  }

  @Test(
    "A call that fails on the client's side has no metadata of a server",
    arguments: CallTransport.allCases, CallService.kinds)
  func local(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let response = ClientResponse()
      let options = CallOptions(metadata: ["grpc-wrong": "x"], response: response)
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .internalError)
      #expect(response.initialMetadata == nil && response.trailingMetadata == Metadata())
      #expect(try await response.waitForInitialMetadata() == nil)
    }
  }

  @Test("What one call's handler sets does not show in the next one's")
  func separate() async throws {
    try await CallTransport.network.run([CallService.registration]) { channel async throws in
      for index in 0..<50 {
        var options = index % 2 == 0 ? Self.asked : CallOptions(response: ClientResponse())
        let response = try #require(options.response)
        if index % 3 == 0 { options.metadata.append("x-fail", "") }
        _ = await failure { _ = try await channel.call(.unary, options: options) }
        #expect(response.trailingMetadata?.values("x-trailing").count == (index + 1) % 2)
      }
    }
  }

  /// Adds to every call's response before its handler.
  private struct Adding: ServerInterceptor {
    let add: @Sendable (ServerContext) -> Void

    init(_ add: @escaping @Sendable (ServerContext) -> Void) { self.add = add }

    func intercept(
      _ context: ServerContext, proceed: (ServerContext) async throws -> Void
    ) async throws {
      add(context)
      try await proceed(context)
    }
  }
}
