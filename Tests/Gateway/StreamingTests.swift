import GoogleAPI
import HTTP2
import Logging
import Messages
import NIOPosix
import RPCCore
import RPCTransport
import TLS
import TestSupport
import Testing

@testable import GatewayProxy

/// Streams through the gateway as they run: client, gateway and service over TLS.
@Suite("Streams through the gateway")
struct StreamingTests {
  @Test("the four kinds pass with their metadata", arguments: RelayedService.kinds)
  func kinds(kind: MethodDescriptor.Kind) async throws {
    try await GatewayNetwork.run { network async throws in
      let response = ClientResponse()
      let options = CallOptions(
        metadata: ["authorization": "Bearer a", "x-user-id": "1"], response: response)
      let answers = try await network.call(kind, ["a", "b", "c"], options: options)
      switch kind {
      case .unary, .serverStreaming: #expect(answers == ["a"])
      case .clientStreaming: #expect(answers == ["abc"])
      case .bidirectional: #expect(answers == ["a", "b", "c"])
      }
      #expect(response.initialMetadata?["x-first"] == "Bearer a -")
      #expect(response.initialMetadata?.binaryValues("x-first-bin") == [[0, 255]])
      #expect(response.initialMetadata?["x-internal-secret"] == nil)
      #expect(response.trailingMetadata?["x-last"] == "end")
      #expect(response.trailingMetadata?["x-correlation-id"]?.isEmpty == false)
    }
  }

  @Test(
    "a status passes with its details and metadata, after the messages",
    arguments: RelayedService.kinds)
  func status(kind: MethodDescriptor.Kind) async throws {
    try await GatewayNetwork.run { network async throws in
      let response = ClientResponse()
      do {
        _ = try await network.call(
          kind, kind == .bidirectional ? ["a", "fail"] : ["fail"],
          options: CallOptions(response: response))
        Issue.record("the call succeeded")
      } catch let error as RPCError {
        #expect(error.code == .failedPrecondition && error.message == "not nöw")
        #expect(error.reason == "NOT_NOW")
        #expect(error.metadata["x-why"] == "asked")
        #expect(error.metadata["x-correlation-id"]?.isEmpty == false)
      }
      #expect(response.initialMetadata?["x-first"] == "- -")
      #expect(response.initialMetadata?["x-internal-secret"] == nil)
      #expect(response.trailingMetadata?["x-last"] == "end")
    }
  }

  @Test("initial metadata pass before the first message, and each message when it comes")
  func early() async throws {
    try await GatewayNetwork.run { network async throws in
      let response = ClientResponse()
      let method = RelayedService.method(.bidirectional)
      try await network.channel.bidirectional(method, options: CallOptions(response: response)) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        #expect(try await response.waitForInitialMetadata()?["x-first"] == "- -")
        for index in 0..<3 {
          try await writer.write(AnyMessage(typeURL: "\(index)"))
          #expect(try await answers.next()?.typeURL == "\(index)")
        }
        await writer.finish()
        #expect(try await answers.next() == nil)
      }
    }
  }

  @Test("a client that leaves ends the service's call", arguments: [true, false])
  func leaves(byReturning: Bool) async throws {
    try await GatewayNetwork.run { network async throws in
      let channel = network.channel
      let call = Task {
        try await channel.bidirectional(
          RelayedService.method(.bidirectional), options: CallOptions()
        ) { (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
          try await writer.write(AnyMessage(typeURL: "hello"))
          #expect(try await answers.next()?.typeURL == "hello")
          network.reached.open()
          if !byReturning { _ = try await answers.next() }
        }
      }
      await network.reached.pass()
      if !byReturning { call.cancel() }
      _ = await call.result
      await network.ended.pass()
    }
  }

  @Test("the client's deadline ends the call on all sides")
  func deadline() async throws {
    try await GatewayNetwork.run { network async throws in
      let method = RelayedService.method(.bidirectional)
      // On a slow machine the time may be over before the service begins.
      while network.begun.value == 0 {
        do {
          try await network.channel.bidirectional(
            method, options: CallOptions(timeout: .milliseconds(200))
          ) { (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
            try await writer.write(AnyMessage(typeURL: "hello"))
            while try await answers.next() != nil {}
          }
          Issue.record("the call succeeded")
        } catch let error as RPCError {
          #expect(error.code == .deadlineExceeded)
        }
      }
      await network.ended.pass()
    }
  }

  @Test(
    "a client that does not read holds the service's writer back, and a slow service the client")
  func backPressure() async throws {
    try await GatewayNetwork.run { network async throws in
      let large = [UInt8](repeating: 7, count: 65_536)
      // Two windows and queues, and the messages that are between them.
      let limits = RPCLimits.standard
      let window = Int(limits.http2.streamWindowBytes) + limits.maximumQueuedStreamBytes
      let most = 2 * (window / large.count + 3)
      try await network.channel.serverStreaming(
        RelayedService.flood, AnyMessage(typeURL: "400", value: large), options: CallOptions()
      ) { (answers: MessageReader<AnyMessage>) async throws in
        for index in 0..<400 {
          #expect(network.written.value <= index + most)
          #expect(try await answers.next()?.typeURL == "\(index)")
        }
        #expect(try await answers.next() == nil)
      }
      let written = Counter()
      let answer: AnyMessage = try await network.channel.clientStreaming(
        RelayedService.method(.clientStreaming), options: CallOptions()
      ) { (writer: MessageWriter<AnyMessage>) in
        try await writer.write(AnyMessage(typeURL: "gate"))
        await network.gate.arrived(1)
        async let all: Void = {
          for _ in 0..<400 {
            try await writer.write(AnyMessage(typeURL: ".", value: large))
            _ = written.next()
          }
        }()
        // Others are served meanwhile.
        for _ in 0..<20 { #expect(try await network.call(.unary, ["a"]) == ["a"]) }
        #expect(written.value <= most)
        network.gate.open()
        try await all
      }
      #expect(answer.typeURL == "gate" + String(repeating: ".", count: 400))
    }
  }

  @Test("a stream of a method without a route does not exist")
  func unrouted() async throws {
    try await GatewayNetwork.run { network async throws in
      do {
        try await network.channel.bidirectional(
          RelayedService.hidden, options: CallOptions()
        ) { (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
          await writer.finish()
          while try await answers.next() != nil {}
        }
        Issue.record("the call succeeded")
      } catch let error as RPCError {
        #expect(error.code == .unimplemented)
      }
      #expect(network.begun.value == 0)
    }
  }

  @Test("a stream counts among the calls of its address")
  func limited() async throws {
    var limits = GatewayLimits()
    limits.callsInFlightPerAddress = 1
    try await GatewayNetwork.run(limits) { network async throws in
      let method = RelayedService.method(.bidirectional)
      try await network.channel.bidirectional(method, options: CallOptions()) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        try await writer.write(AnyMessage(typeURL: "hello"))
        #expect(try await answers.next()?.typeURL == "hello")
        await #expect {
          try await network.call(.bidirectional, ["a"])
        } throws: { error in
          (error as? RPCError)?.reason == "CALLS_IN_FLIGHT_PER_ADDRESS_LIMIT"
        }
        await writer.finish()
        #expect(try await answers.next() == nil)
      }
    }
  }
}
