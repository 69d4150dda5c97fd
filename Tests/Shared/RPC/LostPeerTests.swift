import GoogleAPI
import NIOCore
import NIOPosix
import RPCCore
import RPCTransport
import TestSupport
import Testing

@Suite("Calls whose peer dies meanwhile", .onOwnThread)
struct LostPeerTests {
  /// What is tried again between our services, with short waits.
  private static func config() throws -> ServiceConfig {
    try ServiceConfig(
      methodConfigs: [
        MethodConfig(
          [.idempotent],
          retryPolicy: RetryPolicy(
            maxAttempts: 4, initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(1),
            backoffMultiplier: 1, retryableStatusCodes: [.unavailable]))
      ])
  }

  /// Makes one call of a method while a script plays the peer.
  private static func call(
    _ idempotency: MethodDescriptor.Idempotency,
    _ script: @escaping @Sendable (RawServer) throws -> Void
  ) async throws -> (answer: AnyMessage?, error: RPCError?) {
    let server = try RawServer()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel = try server.channel(config(), group)
    let method = MethodDescriptor(
      service: EchoService.echo.service, name: "Change", idempotency: idempotency)
    async let peer: Void = script(server)
    var outcome: (AnyMessage?, RPCError?) = (nil, nil)
    do {
      outcome.0 = try await channel.echo(
        "x", options: CallOptions(timeout: .seconds(60)), method: method)
    } catch {
      outcome.1 = error as? RPCError
    }
    await channel.close()
    try await peer
    try await group.shutdownGracefully()
    return outcome
  }

  @Test(
    "A method that may be repeated is called again with the same request",
    arguments: [MethodDescriptor.Idempotency.idempotent, .noSideEffects])
  func repeated(idempotency: MethodDescriptor.Idempotency) async throws {
    let outcome = try await Self.call(idempotency) { server in
      let request: [UInt8]?
      do {
        // It has the whole request when it dies.
        let first = try server.accept()
        let id = try first.nextRequest()
        request = first.answers[id]?.data
      }
      let second = try server.accept()
      let id = try second.nextRequest()
      let again = second.answers[id]
      #expect(again?.data == request && request != nil)
      #expect(again?.blocks.first?["grpc-previous-rpc-attempts"] == "1")
      second.respond(id, try MalformedInputTests.framed("done"))
      second.readToEnd()
    }
    #expect(outcome.answer?.typeURL == "done")
  }

  @Test("A method that may not be repeated fails")
  func notRepeated() async throws {
    let outcome = try await Self.call(.unknown) { server in
      let first = try server.accept()
      _ = try first.nextRequest()
    }
    #expect(outcome.error?.code == .unavailable)
  }
}
