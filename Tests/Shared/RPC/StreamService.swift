import GoogleAPI
import RPCCore
import Synchronization

/// Streaming methods over `google.protobuf.Any`; what they do is asked for in the type URL.
enum StreamService {
  static let name = "kontor.test.v1.StreamService"
  static let count = MethodDescriptor(service: name, name: "Count", kind: .serverStreaming)
  static let collect = MethodDescriptor(service: name, name: "Collect", kind: .clientStreaming)
  static let chat = MethodDescriptor(service: name, name: "Chat", kind: .bidirectional)

  static func registration(_ events: Events) -> ServiceRegistration {
    ServiceRegistration(
      name: name,
      methods: [
        MethodHandler(serverStreaming: count) {
          (request: AnyMessage, writer: MessageWriter<AnyMessage>, _: ServerContext) in
          events.note("count began")
          do {
            for index in 0..<(Int(request.typeURL) ?? 0) {
              try await writer.write(AnyMessage(typeURL: "\(index)", value: request.value))
              events.written.increment()
            }
          } catch {
            events.note("count ended \((error as? RPCError)?.code ?? .unknown)")
            throw error
          }
        },
        MethodHandler(clientStreaming: collect) {
          (requests: MessageReader<AnyMessage>, context: ServerContext) -> AnyMessage in
          var count = 0
          while true {
            events.read.increment()
            guard let request = try await requests.next() else { break }
            count += 1
            if request.typeURL == "enough" { break }
            if request.typeURL == "flaky" { try await fail(once: context, events) }
            if request.typeURL == "gate" {
              events.note("started")
              await events.wait(for: "open")
            }
          }
          return AnyMessage(typeURL: "\(count)")
        },
        MethodHandler(bidirectional: chat) {
          (
            requests: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>,
            context: ServerContext
          ) in
          do {
            for try await request in requests {
              if request.typeURL == "flaky" { try await fail(once: context, events) }
              if request.typeURL == "fail" {
                throw RPCError(.aborted, reason: "ASKED_TO", "in the middle")
              }
              try await writer.write(request)
            }
            try await writer.write(AnyMessage(typeURL: "end"))
          } catch {
            events.note("ended \((error as? RPCError)?.code ?? .unknown)")
            throw error
          }
        },
      ])
  }
}

/// Fails the first attempt of a call.
private func fail(once context: ServerContext, _ events: Events) async throws {
  events.note("attempt")
  guard context.metadata["grpc-previous-rpc-attempts"] == nil else { return }
  throw RPCError(.unavailable, reason: "FLAKY", "try again")
}

/// A number that handlers and tests change.
final class Count: Sendable {
  private let value = Atomic(0)

  var current: Int { value.load(ordering: .sequentiallyConsistent) }

  func increment() { value.add(1, ordering: .sequentiallyConsistent) }
}
