import GoogleAPI
import RPCCore
import RPCTransport
import Testing

@Suite("What every transport does with a call")
struct CallConformanceTests {
  @Test(
    "A raw handler answers every kind of call that no service has",
    arguments: CallTransport.allCases, CallService.kinds)
  func fallback(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([], interceptors: [Adding()], fallback: RawEcho()) {
      channel async throws in
      let response = ClientResponse()
      let types = kind == .bidirectional ? ["a", "b"] : ["a"]
      let answers = try await channel.call(kind, types, options: CallOptions(response: response))
      #expect(answers == types)
      #expect(response.initialMetadata?.values("x-first") == ["raw"])
      #expect(Set(response.trailingMetadata?.values("x-last") ?? []) == ["raw", "interceptor"])
      let unknown = MethodDescriptor(service: "kontor.test.v1.None", name: "None")
      let error = await failure { _ = try await channel.echo("x", method: unknown) }
      #expect(error?.code == .unimplemented && error?.reason == "NOT_HERE")
    }
  }

  @Test(
    "A message beyond the limit is RESOURCE_EXHAUSTED",
    arguments: CallTransport.allCases, CallService.kinds)
  func largeMessage(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    var limits = RPCLimits()
    limits.maximumMessageBytes = 1100
    try await transport.run([CallService.registration], limits: limits) { channel async throws in
      #expect(try await channel.call(kind) == ["a"])
      let large = String(repeating: "a", count: 200)
      let error = await failure { _ = try await channel.call(kind, [large]) }
      #expect(error?.code == .resourceExhausted)
      #expect(error?.reason == "MESSAGE_TOO_LARGE")
    }
  }

  @Test(
    "Metadata beyond the limit are RESOURCE_EXHAUSTED before anything is sent",
    arguments: CallTransport.allCases, CallService.kinds)
  func largeMetadata(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let options = CallOptions(metadata: ["x-long": String(repeating: "a", count: 20_000)])
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .resourceExhausted)
      #expect(try await channel.call(kind) == ["a"])
    }
  }

  @Test(
    "An unexpected error is INTERNAL with the correlation id, and a status of OK UNKNOWN",
    arguments: CallTransport.allCases, CallService.kinds)
  func unexpected(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration], interceptors: [Breaking()]) {
      channel async throws in
      let options = CallOptions(metadata: ["x-break": "", "x-correlation-id": "here-1"])
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .internalError && error?.reason == "INTERNAL")
      #expect(error?.message.contains("here-1") == true)
      #expect(error?.message.contains("secret") == false)
      let odd = await failure {
        _ = try await channel.call(kind, options: CallOptions(metadata: ["x-ok": ""]))
      }
      #expect(odd?.code == .unknown)
    }
  }

  @Test(
    "A long text is cut at a character, and details beyond their limit are left out",
    arguments: CallTransport.allCases, CallService.kinds)
  func longStatus(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration], interceptors: [Breaking()]) {
      channel async throws in
      let options = CallOptions(metadata: ["x-long": ""])
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .aborted)
      #expect(error?.message == "x" + String(repeating: "ö", count: 511))
      #expect(error?.details.isEmpty == true)
    }
  }

  @Test("A closed channel takes no calls", arguments: CallTransport.allCases, CallService.kinds)
  func closed(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      #expect(try await channel.call(kind) == ["a"])
      await channel.close()
      let error = await failure { _ = try await channel.call(kind) }
      #expect(error?.code == .unavailable)
    }
  }
}

/// Sends back what comes, undecoded, for the methods of `CallService`.
private struct RawEcho: RawHandler {
  func method(at path: String) -> MethodDescriptor? {
    CallService.kinds.map(CallService.method).first { $0.path == path }
  }

  func handle(
    method path: String, request: [UInt8], context: ServerContext
  ) async throws -> RawResponse {
    guard method(at: path) != nil else {
      throw RPCError(.unimplemented, reason: "NOT_HERE", "no method \(path)")
    }
    return RawResponse(
      message: request, initialMetadata: ["x-first": "raw"], trailingMetadata: ["x-last": "raw"])
  }

  func handle(_ stream: any RawMessageStream, context: ServerContext) async throws {
    context.response.initialMetadata.append("x-first", "raw")
    context.response.trailingMetadata.append("x-last", "raw")
    await stream.sendHeaders()
    while let message = try await stream.receive() {
      try await stream.send(message.bytes, compress: true)
    }
  }
}

/// Adds to every call's trailing metadata.
private struct Adding: ServerInterceptor {
  func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    context.response.trailingMetadata.append("x-last", "interceptor")
    try await proceed(context)
  }
}

/// Fails calls as their metadata ask for.
private struct Breaking: ServerInterceptor {
  func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    if context.metadata["x-break"] != nil { throw EchoService.Broken() }
    if context.metadata["x-ok"] != nil { throw RPCError(.ok, "odd") }
    if context.metadata["x-long"] != nil {
      throw RPCError(
        .aborted, reason: String(repeating: "R", count: 10_000),
        "x" + String(repeating: "ö", count: 1000))
    }
    try await proceed(context)
  }
}
