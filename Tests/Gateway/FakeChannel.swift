import Messages
import RPCCore
import SharedDomain
import Synchronization
import Testing

@testable import GatewayProxy

/// A backend that remembers its calls and answers by a closure.
final class FakeChannel: ClientChannel {
  struct Call: Sendable {
    let method: MethodDescriptor
    let request: [UInt8]
    let options: CallOptions
  }

  private let answer: @Sendable (Call) async throws -> RawResponse
  private let recorded = Mutex<[Call]>([])

  init(_ answer: @escaping @Sendable (Call) async throws -> RawResponse) { self.answer = answer }

  /// Answers with the request itself.
  static func echo() -> FakeChannel { FakeChannel { RawResponse(message: $0.request) } }

  var calls: [Call] { recorded.withLock { $0 } }

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    let call = Call(method: method, request: request, options: options)
    recorded.withLock { $0.append(call) }
    return try await answer(call)
  }

  func close() async {}
}

/// A gateway with one fake channel for each backend.
struct FakeBackends {
  let identity: FakeChannel
  let organizations: FakeChannel
  let shop: FakeChannel
  let accounting: FakeChannel

  init(_ make: () -> FakeChannel = FakeChannel.echo) {
    (identity, organizations, shop, accounting) = (make(), make(), make(), make())
  }

  subscript(backend: Backend) -> FakeChannel {
    switch backend {
    case .identity: identity
    case .organizations: organizations
    case .shop: shop
    case .accounting: accounting
    }
  }

  func proxy(_ limits: GatewayLimits = GatewayLimits()) -> GatewayProxy {
    GatewayProxy(
      routes: .published,
      channels: [
        .identity: identity, .organizations: organizations, .shop: shop, .accounting: accounting,
      ], limits: limits)
  }

  var totalCalls: Int { Backend.allCases.map { self[$0].calls.count }.reduce(0, +) }
}

/// A call as the transport hands it to the gateway.
func clientContext(
  _ path: String, metadata: Metadata = Metadata(), deadline: Deadline? = nil,
  address: String = "192.0.2.7:40001", traceparent: String? = nil
) throws -> ServerContext {
  ServerContext(
    method: try #require(MethodDescriptor(path: path)), metadata: metadata, deadline: deadline,
    peer: Peer(remoteAddress: address), correlationID: "c-1", traceparent: traceparent)
}
