import GoogleAPI
import HTTP2
import RPCCore
import Synchronization
import Testing

@testable import RPCTransport

/// What calls leave to later ones: nothing but memory.
@Suite("What calls use again")
struct CallReuseTests {
  private final class Kept: Sendable {
    let contexts = Mutex<[ServerContext]>([])
  }

  private static let method = MethodDescriptor(service: "test.Service", name: "Method")

  private static func context(_ metadata: Metadata) -> ServerContext {
    ServerContext(
      method: method, metadata: metadata, peer: Peer(remoteAddress: "127.0.0.1:1"),
      correlationID: .given("c-1"), traceparent: "00-1")
  }

  @Test("A context that somebody keeps stays as it is and is not used for another call")
  func keptContext() {
    var context = Self.context(["token": "first"])
    let kept = context
    let isReusable = context.clear()
    #expect(!isReusable)
    #expect(kept.metadata["token"] == "first")
    #expect(kept.correlationID == "c-1")
    #expect(kept.traceparent == "00-1")
  }

  @Test("A context whose response somebody keeps is not used for another call")
  func keptResponse() {
    var context = Self.context([:])
    let kept = context.response
    let isReusable = context.clear()
    #expect(!isReusable)
    kept.trailingMetadata = ["late": "yes"]
    #expect(!context.response.isPlain)
  }

  @Test("What handlers keep of a call is not changed by later calls")
  func keptByHandlers() async throws {
    let kept = Kept()
    let method = MethodDescriptor(service: "test.KeepingService", name: "Keep")
    let service = ServiceRegistration(
      name: method.service,
      methods: [
        MethodHandler(unary: method) { (request: AnyMessage, context: ServerContext) in
          kept.contexts.withLock { $0.append(context) }
          return request
        }
      ])
    try await withServer(try await TestServer(services: [service])) { server in
      let channel = try server.channel()
      for number in 0..<20 {
        let options = CallOptions(metadata: ["number": "\(number)"])
        _ = try await channel.echo("", options: options, method: method)
      }
      await channel.close()
    }
    let numbers = kept.contexts.withLock { contexts in contexts.map { $0.metadata["number"] } }
    #expect(numbers == (0..<20).map { "\($0)" })
  }

  @Test("A cleared context has nothing of its call left")
  func cleared() {
    var context = Self.context(["token": "secret"])
    context.isRequestCompressed = true
    context.response.trailingMetadata = ["late": "yes"]
    let isReusable = context.clear()
    #expect(isReusable)
    #expect(context.metadata.isEmpty)
    #expect(context.traceparent == nil)
    #expect(context.correlationID != "c-1")
    #expect(!context.isRequestCompressed)
    #expect(context.response.isPlain)
  }

  @Test("Received metadata read like those that were set, in the order of the wire")
  func receivedMetadata() throws {
    let long = String(repeating: "v", count: 70_000)
    let fields = [
      ("user-agent", "test/1.0"), ("x-empty", ""), ("x-twice", "1"), ("x-id-bin", "AAEC"),
      ("x-twice", "2"), (String(repeating: "n", count: 300), "long name"), ("x-long", long),
    ]
    let block = HTTP2HeaderBlock()
    for (name, value) in fields { block.append(name, value) }
    var received = Metadata()
    for index in 0..<block.count {
      try received.appendReceived(block.name(index), block.value(index))
    }
    let expected = Metadata(
      entries: fields.map { name, value in
        Metadata.Entry(
          name: name, value: name == "x-id-bin" ? .binary([0, 1, 2]) : .text(value))
      })
    #expect(received == expected)
    #expect(received.hashValue == expected.hashValue)
    #expect(received.count == fields.count)
    #expect(received["user-agent"] == "test/1.0")
    #expect(received["x-empty"] == "")
    #expect(received["x-long"] == long)
    #expect(received["x-missing"] == nil)
    #expect(received.values("x-twice") == ["1", "2"])
    received.set("user-agent", "other")
    #expect(received.values("user-agent") == ["other"])
    #expect(received.count == fields.count)
    received.removeAll()
    #expect(received.isEmpty && received.entries.isEmpty)
  }
}
