package import Messages

/// Sends messages to the other side.
package struct MessageWriter<Element: Message>: Sendable {
  let stream: any RawMessageStream

  package init(_ stream: any RawMessageStream) { self.stream = stream }

  /// Queues a message; suspends while the stream's queue is beyond its limit, until the other side
  /// has taken enough.
  ///
  /// - Parameter compress: false to send this message plain in a call whose messages are
  ///   compressed.
  /// - Throws: as `RawMessageStream.send`; INTERNAL when the message does not encode.
  package func write(_ message: Element, compress: Bool = true) async throws {
    let bytes: [UInt8]
    do {
      if try stream.sendNow(message, compress: compress) { return }
      bytes = try message.serialized()
    } catch let error as MessageError {
      throw RPCError(.internalError, "\(Element.fullName) does not encode: \(error.message)")
    }
    try await stream.send(bytes, compress: compress)
  }

  /// Sends a server's headers, with the initial metadata that is set, before the first message.
  package func sendHeaders() async { await stream.sendHeaders() }

  /// Ends a client's messages; on a server the handler's return does.
  package func finish() async { await stream.finishSending() }
}
