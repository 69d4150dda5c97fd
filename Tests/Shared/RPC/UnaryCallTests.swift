import GoogleAPI
import RPCCore
import RPCTransport
import TLS
import Testing

@Suite struct UnaryCallTests {
  @Test("A unary call answers over TLS 1.2 and 1.3", arguments: [TLSVersion.tls12, .tls13])
  func answers(version: TLSVersion) async throws {
    try await withServer(try await TestServer(maximumVersion: version)) { server in
      let channel = try server.channel()
      let answer = try await channel.echo("hello", value: [1, 2, 3])
      #expect(answer == AnyMessage(typeURL: "hello", value: [1, 2, 3]))
      await channel.close()
    }
  }

  @Test(
    "A handler that changes threads answers on its connection", arguments: CallTransport.allCases)
  func hops(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      #expect(try await channel.echo("hop").typeURL == "hop")
    }
  }

  @Test(
    "Many calls at once on one connection all get their own answer",
    arguments: CallTransport.allCases)
  func many(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<2000 {
          group.addTask {
            let what = index % 10 == 0 ? "hop" : "\(index)"
            let value = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index)
            let answer = try await channel.echo(what, value: value)
            #expect(answer.typeURL == what && answer.value == value)
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test(
    "A message near the limit passes, one beyond it is RESOURCE_EXHAUSTED",
    arguments: CallTransport.allCases)
  func large(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      let value = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0) }
      #expect(try await channel.echo("large", value: value).value == value)
      let error = await failure {
        _ = try await channel.echo("large", value: [UInt8](repeating: 7, count: 5_000_000))
      }
      #expect(error?.code == .resourceExhausted)
    }
  }

  @Test("An error carries its code, message, reason and fields", arguments: CallTransport.allCases)
  func errors(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      let error = await failure { _ = try await channel.echo("fail") }
      #expect(error?.code == .failedPrecondition)
      #expect(error?.message == "100 % nöt now\n")
      #expect(error?.reason == "NOT_NOW")
      #expect(error?.fields == [FieldViolation(field: "type_url", description: "is fail")])
    }
  }

  @Test(
    "An unexpected error is INTERNAL and never shows its text", arguments: CallTransport.allCases)
  func unexpected(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      let error = await failure { _ = try await channel.echo("break") }
      #expect(error?.code == .internalError)
      #expect(error?.message.contains("secret") == false)
      #expect(error?.message.contains("correlation id") == true)
    }
  }

  @Test(
    "Metadata, correlation id, trace and deadline reach the handler",
    arguments: CallTransport.allCases)
  func context(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      var options = CallOptions(timeout: .seconds(30))
      options.metadata.append("x-correlation-id", "abc-1")
      options.metadata.append("traceparent", "00-1-2-01")
      options.metadata.append("x-many", "one")
      options.metadata.append("X-Many", "two")
      options.metadata.append("x-bytes-bin", binary: [0, 255, 1])
      options.metadata.append("x-bytes-bin", binary: [])
      let answer = try await channel.echo("context", options: options)
      #expect(answer.typeURL == "abc-1 00-1-2-01 one|two [0, 255, 1]|[] deadline ")
    }
  }

  @Test(
    "Reserved metadata is refused before anything is sent",
    arguments: CallTransport.allCases,
    [
      "grpc-status", "te", ":path", "connection", "bad name", "",
    ])
  func reserved(transport: CallTransport, name: String) async throws {
    try await transport.run { channel, _ async throws in
      let options = CallOptions(metadata: [name: "x"])
      let error = await failure { _ = try await channel.echo("x", options: options) }
      #expect(error?.code == .internalError)
    }
  }

  @Test("A deadline ends the call on both sides", arguments: CallTransport.allCases)
  func deadline(transport: CallTransport) async throws {
    try await transport.run { channel, events async throws in
      // On a slow machine the time may be over before the handler begins.
      while events.count("started") == 0 {
        let error = await failure {
          _ = try await channel.echo("wait", options: CallOptions(timeout: .milliseconds(50)))
        }
        #expect(error?.code == .deadlineExceeded)
      }
      await events.wait(for: "cancelled")
      let late = await failure {
        _ = try await channel.echo("x", options: CallOptions(timeout: .zero))
      }
      #expect(late?.code == .deadlineExceeded)
    }
  }

  @Test("Cancelling the caller cancels the handler", arguments: CallTransport.allCases)
  func cancellation(transport: CallTransport) async throws {
    try await transport.run { channel, events async throws in
      let call = Task { try await channel.echo("wait") }
      await events.wait(for: "started")
      call.cancel()
      let error = await failure { _ = try await call.value }
      #expect(error?.code == .cancelled)
      await events.wait(for: "cancelled")
      #expect(try await channel.echo("next").typeURL == "next")
    }
  }

  @Test("An unknown method is UNIMPLEMENTED", arguments: CallTransport.allCases)
  func unknownMethod(transport: CallTransport) async throws {
    try await transport.run { channel, _ async throws in
      let method = MethodDescriptor(service: "kontor.test.v1.EchoService", name: "Missing")
      let error = await failure { _ = try await channel.echo("x", method: method) }
      #expect(error?.code == .unimplemented)
    }
  }
}
