internal import InteropAPI
internal import RPCCore

/// The cases that compress.
extension InteropCases {
  func clientCompressedUnary() async throws {
    var request = SimpleRequest.large
    request.expectCompressed = BoolValue(value: true)
    try await expectFailure(.invalidArgument) { _ = try await client.unaryCall(request) }
    try await expect(
      client.unaryCall(request, options: CallOptions(compression: .gzip)),
      zeros: SimpleRequest.largeResponse)
    request.expectCompressed = BoolValue(value: false)
    try await expect(client.unaryCall(request), zeros: SimpleRequest.largeResponse)
  }

  func serverCompressedUnary() async throws {
    for compressed in [true, false] {
      var request = SimpleRequest.large
      request.responseCompressed = BoolValue(value: compressed)
      let response = ClientResponse()
      let options = CallOptions(acceptsCompression: true, response: response)
      try await expect(
        client.unaryCall(request, options: options), zeros: SimpleRequest.largeResponse)
      try expect(response.isCompressed == compressed, "compression as asked for")
    }
  }

  func clientCompressedStreaming() async throws {
    let request = StreamingInputCallRequest(
      payload: Payload(zeros: 27_182), expectCompressed: BoolValue(value: true))
    try await expectFailure(.invalidArgument) {
      _ = try await client.streamingInputCall { try await $0.write(request) }
    }
    let options = CallOptions(compression: .gzip)
    let answer = try await client.streamingInputCall(options: options) { writer in
      try await writer.write(request)
      try await writer.write(
        StreamingInputCallRequest(
          payload: Payload(zeros: 45_904), expectCompressed: BoolValue(value: false)),
        compress: false)
    }
    try expect(answer.aggregatedPayloadSize == 73_086, "73086 bytes, not \(answer)")
  }

  func serverCompressedStreaming() async throws {
    let expected = [(size: 31_415, compressed: true), (size: 92_653, compressed: false)]
    let request = StreamingOutputCallRequest(
      responseParameters: expected.map {
        ResponseParameters(size: Int32($0.size), compressed: BoolValue(value: $0.compressed))
      })
    let options = CallOptions(acceptsCompression: true)
    try await client.streamingOutputCall(request, options: options) { answers in
      for (size, compressed) in expected {
        let answer = try await answers.receive()
        try expect(answer?.message, zeros: size)
        try expect(answer?.isCompressed == compressed, "compression as asked for")
      }
      try expect(try await answers.next() == nil, "two answers")
    }
  }
}
