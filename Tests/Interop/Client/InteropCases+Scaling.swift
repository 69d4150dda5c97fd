internal import InteropAPI
internal import RPCCore

/// The case in which a connection becomes full (gRFC A105).
extension InteropCases {
  /// Streams that the server lets a connection have, as it is started for this case.
  private static let streamsPerConnection = 2

  /// Streams beyond the server's limit go over a second connection, and a further one waits for a
  /// stream to end.
  func connectionScaling() async throws {
    var streams: [OpenStream] = []
    for _ in 0..<Self.streamsPerConnection * 2 {
      streams.append(try await OpenStream(channel))
    }
    let addresses = streams.map(\.address)
    for (index, address) in addresses.enumerated() {
      let first = addresses[index / Self.streamsPerConnection * Self.streamsPerConnection]
      try expect(address == first, "two streams on each connection, not \(addresses)")
    }
    try expect(Set(addresses).count == 2, "two connections, not \(addresses)")
    // Both are full: the next waits for room on one of them.
    async let waiting = OpenStream(channel)
    try await streams.removeFirst().end()
    let last = try await waiting
    try expect(addresses.contains(last.address), "no third connection, not \(last.address)")
    for stream in streams + [last] { try await stream.end() }
  }
}

/// A call of both ways that goes on.
private struct OpenStream: Sendable {
  private let answers: MessageReader<StreamingOutputCallResponse>
  private let writer: MessageWriter<StreamingOutputCallRequest>
  /// Of the client's end of the connection.
  let address: String

  init(_ channel: any ClientChannel) async throws {
    let stream = try await channel.openStream(
      TestServiceMethods.fullDuplexCall, options: CallOptions())
    answers = MessageReader(stream)
    writer = MessageWriter(stream)
    let parameters = ResponseParameters(fillPeerSocketAddress: BoolValue(value: true))
    try await writer.write(StreamingOutputCallRequest(responseParameters: [parameters]))
    address = try await answers.next()?.peerSocketAddress ?? ""
    try expect(address != "", "the client's address")
  }

  func end() async throws {
    await writer.finish()
    try expect(try await answers.next() == nil, "no more answers")
  }
}
