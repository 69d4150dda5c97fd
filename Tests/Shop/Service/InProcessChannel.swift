import Messages
import RPCCore

/// Calls the methods of registrations without a network, through interceptors as a server does.
struct InProcessChannel: ClientChannel {
  private let methods: [String: MethodHandler]
  private let interceptors: [any ServerInterceptor]
  private let peer: Peer

  init(
    _ registrations: [ServiceRegistration], interceptors: [any ServerInterceptor] = [],
    peer: Peer = Peer()
  ) {
    var methods: [String: MethodHandler] = [:]
    for method in registrations.flatMap(\.methods) { methods[method.method.path] = method }
    self.methods = methods
    self.interceptors = interceptors
    self.peer = peer
  }

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    guard let handler = methods[method.path] else {
      throw RPCError(.unimplemented, "no \(method.path)")
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 16)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: request)
    let output = MessageBuffer()
    try await handler.invoke(
      UnaryInvocation(
        request: UnsafeRawBufferPointer(bytes),
        context: ServerContext(
          method: method, metadata: options.metadata,
          deadline: options.timeout.map { Deadline(after: $0) }, peer: peer),
        interceptors: interceptors, arena: MessageArena(), limits: .standard, output: output))
    return RawResponse(message: Array(output.message))
  }

  func close() async {}
}
