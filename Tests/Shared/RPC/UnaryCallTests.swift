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

  @Test("A handler that changes threads answers on its connection")
  func hops() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      #expect(try await channel.echo("hop").typeURL == "hop")
      await channel.close()
    }
  }

  @Test("Many calls at once on one connection all get their own answer")
  func many() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
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
      await channel.close()
    }
  }

  @Test("A message near the limit passes, one beyond it is RESOURCE_EXHAUSTED")
  func large() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      let value = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0) }
      #expect(try await channel.echo("large", value: value).value == value)
      let error = await failure {
        _ = try await channel.echo("large", value: [UInt8](repeating: 7, count: 5_000_000))
      }
      #expect(error?.code == .resourceExhausted)
      await channel.close()
    }
  }

  @Test("An error carries its code, message, reason and fields")
  func errors() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      let error = await failure { _ = try await channel.echo("fail") }
      #expect(error?.code == .failedPrecondition)
      #expect(error?.message == "100 % nöt now\n")
      #expect(error?.reason == "NOT_NOW")
      #expect(error?.fields == [FieldViolation(field: "type_url", description: "is fail")])
      await channel.close()
    }
  }

  @Test("An unexpected error is INTERNAL and never shows its text")
  func unexpected() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      let error = await failure { _ = try await channel.echo("break") }
      #expect(error?.code == .internalError)
      #expect(error?.message.contains("secret") == false)
      #expect(error?.message.contains("correlation id") == true)
      await channel.close()
    }
  }

  @Test("Metadata, correlation id, trace and deadline reach the handler")
  func context() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      var options = CallOptions(timeout: .seconds(30))
      options.metadata.append("x-correlation-id", "abc-1")
      options.metadata.append("traceparent", "00-1-2-01")
      options.metadata.append("x-many", "one")
      options.metadata.append("X-Many", "two")
      options.metadata.append("x-bytes-bin", binary: [0, 255, 1])
      options.metadata.append("x-bytes-bin", binary: [])
      let answer = try await channel.echo("context", options: options)
      #expect(answer.typeURL == "abc-1 00-1-2-01 one|two [0, 255, 1]|[] deadline ")
      await channel.close()
    }
  }

  @Test(
    "Reserved metadata is refused before anything is sent",
    arguments: [
      "grpc-status", "te", ":path", "connection", "bad name", "",
    ])
  func reserved(name: String) async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      let options = CallOptions(metadata: [name: "x"])
      let error = await failure { _ = try await channel.echo("x", options: options) }
      #expect(error?.code == .internalError)
      await channel.close()
    }
  }

  @Test("A deadline ends the call on both sides")
  func deadline() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      // On a slow machine the time may be over before the handler begins.
      while await server.events.count("started") == 0 {
        let error = await failure {
          _ = try await channel.echo("wait", options: CallOptions(timeout: .milliseconds(50)))
        }
        #expect(error?.code == .deadlineExceeded)
      }
      await server.events.wait(for: "cancelled")
      let late = await failure {
        _ = try await channel.echo("x", options: CallOptions(timeout: .zero))
      }
      #expect(late?.code == .deadlineExceeded)
      await channel.close()
    }
  }

  @Test("Cancelling the caller cancels the handler")
  func cancellation() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      let call = Task { try await channel.echo("wait") }
      await server.events.wait(for: "started")
      call.cancel()
      let error = await failure { _ = try await call.value }
      #expect(error?.code == .cancelled)
      await server.events.wait(for: "cancelled")
      #expect(try await channel.echo("next").typeURL == "next")
      await channel.close()
    }
  }

  @Test("An unknown method is UNIMPLEMENTED")
  func unknownMethod() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel()
      let method = MethodDescriptor(service: "kontor.test.v1.EchoService", name: "Missing")
      let error = await failure { _ = try await channel.echo("x", method: method) }
      #expect(error?.code == .unimplemented)
      await channel.close()
    }
  }
}
