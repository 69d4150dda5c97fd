internal import RPCCore

/// The client's end of a call.
struct InProcessClientStream: RawMessageStream {
  let call: InProcessCall

  func receive() async throws -> RawMessage? {
    let message = try await call.answers.receive()
    if let error = call.tooLarge(message) {
      call.refuse(error)
      throw error
    }
    return message
  }

  func send(_ message: [UInt8], compress: Bool) async throws {
    try await call.requests.send(
      RawMessage(message, isCompressed: compress && call.compressesRequests))
  }

  func finishSending() async { call.requests.finish() }

  func sendHeaders() async {}

  func cancel() { call.cancel() }
}

/// The server's end of a call.
struct InProcessServerStream: RawMessageStream {
  let call: InProcessCall

  func receive() async throws -> RawMessage? {
    let message = try await call.requests.receive()
    if let error = call.tooLarge(message) {
      call.requests.fail(reading: error)
      throw error
    }
    return message
  }

  func send(_ message: [UInt8], compress: Bool) async throws {
    call.sendHeaders()
    try await call.answers.send(
      RawMessage(message, isCompressed: compress && call.compressesAnswers))
  }

  /// The handler's return does.
  func finishSending() async {}

  func sendHeaders() async { call.sendHeaders() }

  /// The client's to do.
  func cancel() {}
}

extension InProcessCall {
  /// Why a received message is refused; nil for one within the limit.
  fileprivate func tooLarge(_ message: RawMessage?) -> RPCError? {
    let limit = channel.limits.maximumMessageBytes
    guard let size = message?.bytes.count, size > limit else { return nil }
    return RPCError(
      .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
      "a message of \(size) bytes is beyond the limit of \(limit) bytes")
  }
}
