import GoogleAPI
import RPCCore
import RPCTransport
import Synchronization
import Testing

@Suite("Interceptors")
struct CallInterceptorTests {
  // MARK: Servers

  @Test(
    "A server's interceptors see every kind of call, its deadline and its status, in order",
    arguments: CallTransport.allCases, CallService.kinds)
  func server(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    let log = Log()
    let interceptors = [Noting(name: "outer", log: log), Noting(name: "inner", log: log)]
    try await transport.run([CallService.registration], interceptors: interceptors) {
      channel async throws in
      #expect(try await channel.call(kind, options: CallOptions(timeout: .seconds(60))) == ["a"])
      let path = CallService.method(kind).name
      #expect(
        log.lines == [
          "outer \(path) deadline", "inner \(path) deadline", "inner OK", "outer OK",
        ])
      log.clear()
      let options = CallOptions(metadata: ["x-fail": "why"])
      _ = await failure { _ = try await channel.call(kind, options: options) }
      #expect(log.lines == ["outer \(path)", "inner \(path)", "inner ABORTED", "outer ABORTED"])
    }
  }

  @Test(
    "A server's interceptor may answer instead of the handler, or replace its error",
    arguments: CallTransport.allCases, CallService.kinds)
  func replaced(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    let interceptor = Noting(name: "x", log: Log()) { context in
      if context.metadata["x-refuse"] != nil {
        throw RPCError(.permissionDenied, reason: "REFUSED", "not you")
      }
    }
    try await transport.run([CallService.registration], interceptors: [interceptor]) {
      channel async throws in
      let error = await failure {
        _ = try await channel.call(kind, options: CallOptions(metadata: ["x-refuse": ""]))
      }
      #expect(error?.code == .permissionDenied && error?.reason == "REFUSED")
      #expect(try await channel.call(kind) == ["a"])
    }
  }

  @Test("A server's interceptor is cancelled with its call", arguments: CallTransport.allCases)
  func serverCancelled(transport: CallTransport) async throws {
    let events = Events()
    let interceptor = Noting(name: "x", log: Log()) { _ in
      events.note("started")
      do {
        try await Task.sleep(for: .seconds(60))
      } catch {
        events.note("cancelled")
        throw error
      }
    }
    try await transport.run([CallService.registration], interceptors: [interceptor]) {
      channel async throws in
      let call = Task { try await channel.call(.unary) }
      await events.wait(for: "started")
      call.cancel()
      let error = await failure { _ = try await call.value }
      #expect(error?.code == .cancelled)
      await events.wait(for: "cancelled")
    }
  }

  // MARK: Clients

  @Test(
    "A client's interceptors see every kind of call and its status, in order, and change metadata",
    arguments: CallTransport.allCases, CallService.kinds)
  func client(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let log = Log()
      let channel = channel.intercepted(by: [
        NotingCalls(name: "outer", log: log) { context in
          context.options.metadata.append("x-initial", "outer")
        },
        NotingCalls(name: "inner", log: log) { context in
          context.options.metadata.append("x-initial", "inner")
        },
      ])
      var options = CallOptions(timeout: .seconds(60), response: ClientResponse())
      #expect(try await channel.call(kind, options: options) == ["a"])
      #expect(options.response?.initialMetadata?.values("x-initial") == ["outer", "inner"])
      let name = CallService.method(kind).name
      #expect(
        log.lines == [
          "outer \(name) deadline", "inner \(name) deadline", "inner OK", "outer OK",
        ])
      log.clear()
      options = CallOptions(metadata: ["x-fail": "why"])
      let error = await failure { _ = try await channel.call(kind, options: options) }
      #expect(error?.code == .aborted && error?.metadata["x-error"] == "why")
      #expect(log.lines == ["outer \(name)", "inner \(name)", "inner ABORTED", "outer ABORTED"])
    }
  }

  @Test(
    "A client's interceptor may refuse a call, or replace its status",
    arguments: CallTransport.allCases, CallService.kinds)
  func clientReplaces(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let refusing = channel.intercepted(by: [
        NotingCalls(name: "x", log: Log()) { _ in throw RPCError(.unauthenticated, "no token") }
      ])
      let refused = await failure { _ = try await refusing.call(kind) }
      #expect(refused?.code == .unauthenticated)

      let replacing = channel.intercepted(by: [Replacing()])
      let options = CallOptions(metadata: ["x-fail": "why"])
      let replaced = await failure { _ = try await replacing.call(kind, options: options) }
      #expect(replaced?.code == .dataLoss)
      #expect(try await replacing.call(kind) == ["a"])
    }
  }

  @Test(
    "An interceptor that makes no call, or two, is an error of its own",
    arguments: CallTransport.allCases, CallService.kinds)
  func wrongInterceptor(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      for times in [0, 2] {
        let wrong = channel.intercepted(by: [Repeating(times: times)])
        let error = await failure { _ = try await wrong.call(kind) }
        #expect(error?.code == .internalError)
      }
      #expect(try await channel.call(kind) == ["a"])
    }
  }

  @Test(
    "A stream that its caller leaves is CANCELLED for its interceptors",
    arguments: CallTransport.allCases)
  func left(transport: CallTransport) async throws {
    try await transport.run { channel, events async throws in
      let log = Log()
      let channel = channel.intercepted(by: [NotingCalls(name: "x", log: log, events: events)])
      try await channel.bidirectional(StreamService.chat, options: CallOptions()) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        try await writer.write(AnyMessage(typeURL: "hello"))
        #expect(try await answers.next()?.typeURL == "hello")
      }
      await events.wait(for: "x CANCELLED")
      await events.wait(for: "ended CANCELLED")
    }
  }

  @Test(
    "Time in a client's interceptor counts for the deadline, and cancelling ends it",
    arguments: CallTransport.allCases, CallService.kinds)
  func slowInterceptor(transport: CallTransport, kind: MethodDescriptor.Kind) async throws {
    try await transport.run([CallService.registration]) { channel async throws in
      let events = Events()
      let channel = channel.intercepted(by: [
        NotingCalls(name: "x", log: Log()) { context in
          guard context.deadline == nil else {
            context.deadline = Deadline(uptimeNanoseconds: 1)
            return
          }
          events.note("waiting")
          try await Task.sleep(for: .seconds(60))
        }
      ])
      let late = await failure {
        _ = try await channel.call(kind, options: CallOptions(timeout: .seconds(60)))
      }
      #expect(late?.code == .deadlineExceeded)
      let call = Task { try await channel.call(kind) }
      await events.wait(for: "waiting")
      call.cancel()
      let error = await failure { _ = try await call.value }
      #expect(error?.code == .cancelled)
    }
  }
}

/// Lines from many tasks.
private final class Log: Sendable {
  private let all = Mutex<[String]>([])

  var lines: [String] { all.withLock { $0 } }

  func add(_ line: String) { all.withLock { $0.append(line) } }

  func clear() { all.withLock { $0 = [] } }
}

private func outcome(_ error: any Error) -> String {
  "\((error as? RPCError)?.code ?? .unknown)"
}

/// Notes what a server's interceptor sees.
private struct Noting: ServerInterceptor {
  let name: String
  let log: Log
  var before: @Sendable (ServerContext) async throws -> Void = { _ in }

  func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    log.add("\(name) \(context.method.name)" + (context.deadline == nil ? "" : " deadline"))
    try await before(context)
    do {
      try await proceed(context)
      log.add("\(name) OK")
    } catch {
      log.add("\(name) \(outcome(error))")
      throw error
    }
  }
}

/// Notes what a client's interceptor sees.
private struct NotingCalls: ClientInterceptor {
  let name: String
  let log: Log
  var events: Events?
  var before: @Sendable (inout ClientContext) async throws -> Void = { _ in }

  func intercept(
    _ context: ClientContext, proceed: (ClientContext) async throws -> Void
  ) async throws {
    log.add("\(name) \(context.method.name)" + (context.deadline == nil ? "" : " deadline"))
    var context = context
    try await before(&context)
    do {
      try await proceed(context)
      log.add("\(name) OK")
    } catch {
      log.add("\(name) \(outcome(error))")
      events?.note("\(name) \(outcome(error))")
      throw error
    }
  }
}

/// Makes one error of another.
private struct Replacing: ClientInterceptor {
  func intercept(
    _ context: ClientContext, proceed: (ClientContext) async throws -> Void
  ) async throws {
    do {
      try await proceed(context)
    } catch let error as RPCError where error.code == .aborted {
      throw RPCError(.dataLoss, "replaced")
    }
  }
}

/// Makes a call as often as it is told.
private struct Repeating: ClientInterceptor {
  let times: Int

  func intercept(
    _ context: ClientContext, proceed: (ClientContext) async throws -> Void
  ) async throws {
    for _ in 0..<times { try await proceed(context) }
  }
}
