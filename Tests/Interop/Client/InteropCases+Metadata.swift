internal import InteropAPI
internal import RPCCore

/// The case that sends metadata and gets them back.
extension InteropCases {
  private static let initialName = "x-grpc-test-echo-initial"
  private static let initialValue = "test_initial_metadata_value"
  private static let trailingName = "x-grpc-test-echo-trailing-bin"
  private static let trailingValue: [UInt8] = [0xAB, 0xAB, 0xAB]

  func customMetadata() async throws {
    var options = CallOptions()
    options.metadata.append(Self.initialName, Self.initialValue)
    options.metadata.append(Self.trailingName, binary: Self.trailingValue)

    let unary = ClientResponse()
    options.response = unary
    try await expect(
      client.unaryCall(.large, options: options), zeros: SimpleRequest.largeResponse)
    try expectEcho(unary)

    let stream = ClientResponse()
    options.response = stream
    try await client.fullDuplexCall(options: options) { answers, writer in
      try await writer.write(.answering(SimpleRequest.largeResponse, to: 271_828))
      await writer.finish()
      try await expect(answers.next(), zeros: SimpleRequest.largeResponse)
      try expect(try await answers.next() == nil, "one answer")
    }
    try expectEcho(stream)
  }

  private func expectEcho(_ response: ClientResponse) throws {
    let initial = response.initialMetadata
    try expect(
      initial?.values(Self.initialName) == [Self.initialValue],
      "the initial metadata, not \(String(describing: initial))")
    let trailing = response.trailingMetadata
    try expect(
      trailing?.binaryValues(Self.trailingName) == [Self.trailingValue],
      "the trailing metadata, not \(String(describing: trailing))")
  }
}
