package import Messages

/// Where client stubs send their calls.
package protocol ClientChannel: Sendable {
  /// One unary call on message bytes.
  ///
  /// Cancelling the calling task cancels the call.
  /// - Throws: `RPCError` only.
  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse

  /// Begins a streaming call; whoever gets it cancels it in the end.
  ///
  /// - Throws: `RPCError` when the call cannot begin; later failures come from the stream.
  func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream

  /// Ends every connection after the calls in flight; later calls fail with UNAVAILABLE.
  func close() async
}

extension ClientChannel {
  /// One unary call on message values.
  ///
  /// - Throws: `RPCError`; INTERNAL when the request does not encode or the answer does not decode.
  package func call<Request: Message, Response: Message>(
    _ method: MethodDescriptor, _ request: Request, options: CallOptions
  ) async throws -> Response {
    let bytes: [UInt8]
    do {
      bytes = try request.serialized()
    } catch {
      throw RPCError(.internalError, "\(Request.fullName) does not encode: \(error.message)")
    }
    let answer = try await unary(method, request: bytes, options: options)
    do {
      return try Response(serialized: answer.message)
    } catch {
      throw RPCError(.internalError, "\(Response.fullName) does not decode: \(error.message)")
    }
  }
}
