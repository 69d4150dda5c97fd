import Messages
import RPCCore

/// Calls the handlers of a server with its interceptors, without a network.
struct InProcessChannel: ClientChannel {
  let registrations: [ServiceRegistration]
  let interceptors: [any ServerInterceptor]
  var peer = Peer(remoteAddress: "127.0.0.1:1", certificateNames: ["kontor-gateway"])

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    guard
      let handler = registrations.lazy.flatMap(\.methods).first(where: { $0.method == method })
    else { throw RPCError(.unimplemented, "no \(method.path)") }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: request)
    let output = MessageBuffer()
    let context = ServerContext(
      method: method, metadata: options.metadata,
      deadline: options.timeout.map { Deadline(after: $0) }, peer: peer, correlationID: "test")
    try await handler.invoke(
      UnaryInvocation(
        request: UnsafeRawBufferPointer(bytes), context: context, interceptors: interceptors,
        arena: MessageArena(), limits: .standard, output: output))
    return RawResponse(message: Array(output.message))
  }

  func close() async {}
}
