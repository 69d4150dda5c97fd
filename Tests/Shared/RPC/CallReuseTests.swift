import HTTP2
import RPCCore
import Testing

@testable import RPCTransport

/// What calls leave to later ones: nothing but memory.
@Suite("What calls use again")
struct CallReuseTests {
  private static let method = MethodDescriptor(service: "test.Service", name: "Method")

  private static func renew(_ context: inout ServerContext, _ metadata: Metadata) {
    context.renew(
      method: method, metadata: metadata, deadline: nil, peer: Peer(remoteAddress: "127.0.0.1:1"),
      correlationID: .given("c-1"), traceparent: "00-1")
  }

  @Test("A context that somebody keeps stays as it is when another call begins")
  func keptContext() {
    var context = ServerContext()
    Self.renew(&context, ["token": "first"])
    let kept = context
    let isReusable = context.clear()
    #expect(!isReusable)
    Self.renew(&context, ["token": "second"])
    #expect(kept.metadata["token"] == "first")
    #expect(context.metadata["token"] == "second")
    #expect(kept.response !== context.response)
  }

  @Test("A response that somebody keeps is not another call's")
  func keptResponse() {
    var context = ServerContext()
    Self.renew(&context, [:])
    let kept = context.response
    let isReusable = context.clear()
    #expect(!isReusable)
    Self.renew(&context, [:])
    kept.trailingMetadata = ["late": "yes"]
    #expect(context.response.isPlain)
  }

  @Test("A cleared context has nothing of its call left")
  func cleared() {
    var context = ServerContext()
    Self.renew(&context, ["token": "secret"])
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
