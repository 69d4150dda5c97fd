internal import InteropAPI
internal import RPCCore

/// The client's side of gRPC's interoperability cases (grpc, doc/interop-test-descriptions.md,
/// "Client"), one method each.
struct InteropCases: Sendable {
  /// Every case by its name.
  static let all: [String: @Sendable (InteropCases) async throws -> Void] = [
    "empty_unary": { try await $0.emptyUnary() },
    "large_unary": { try await $0.largeUnary() },
    "client_compressed_unary": { try await $0.clientCompressedUnary() },
    "server_compressed_unary": { try await $0.serverCompressedUnary() },
    "client_compressed_streaming": { try await $0.clientCompressedStreaming() },
    "server_compressed_streaming": { try await $0.serverCompressedStreaming() },
    "custom_metadata": { try await $0.customMetadata() },
    "client_streaming": { try await $0.clientStreaming() },
    "server_streaming": { try await $0.serverStreaming() },
    "ping_pong": { try await $0.pingPong() },
    "empty_stream": { try await $0.emptyStream() },
    "status_code_and_message": { try await $0.status("test status message") },
    "special_status_message": {
      try await $0.status("\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")
    },
    "unimplemented_method": { try await $0.unimplementedMethod() },
    "unimplemented_service": { try await $0.unimplementedService() },
    "cancel_after_begin": { try await $0.cancelAfterBegin() },
    "cancel_after_first_response": { try await $0.cancelAfterFirstResponse() },
    "timeout_on_sleeping_server": { try await $0.timeoutOnSleepingServer() },
    "pick_first_unary": { try await $0.pickFirstUnary() },
    "concurrent_large_unary": { try await $0.concurrentLargeUnary() },
    "rpc_soak": { try await $0.rpcSoak() },
    "channel_soak": { try await $0.channelSoak() },
    "max_concurrent_streams_connection_scaling": { try await $0.connectionScaling() },
    "reconnect": { try await $0.reconnect() },
    "orca_per_rpc": { try await $0.loadReportOfCall() },
    "orca_oob": { try await $0.loadReportsOfServer() },
    "rolling_restart": { try await $0.rollingRestart() },
  ]

  static let requestSizes = [27_182, 8, 1_828, 45_904]
  static let responseSizes = [31_415, 9, 2_653, 58_979]
  private static let concurrentCalls = 1_000
  private static let soakIterations = 100
  private static let soakChannels = 10

  private let connect: @Sendable () -> any ClientChannel
  let channel: any ClientChannel
  var client: TestServiceClient { TestServiceClient(channel: channel) }

  /// - Parameter connect: makes a channel to the server.
  init(_ connect: @escaping @Sendable () -> any ClientChannel) {
    self.connect = connect
    channel = connect()
  }

  func close() async { await channel.close() }

  private func emptyUnary() async throws {
    _ = try await client.emptyCall(Empty())
  }

  private func largeUnary() async throws {
    try await expect(client.unaryCall(.large), zeros: SimpleRequest.largeResponse)
  }

  func clientStreaming() async throws {
    let answer = try await client.streamingInputCall { writer in
      for size in Self.requestSizes {
        try await writer.write(StreamingInputCallRequest(payload: Payload(zeros: size)))
      }
    }
    try expect(answer.aggregatedPayloadSize == 74_922, "74922 bytes, not \(answer)")
  }

  func serverStreaming() async throws {
    let request = StreamingOutputCallRequest(
      responseParameters: Self.responseSizes.map { ResponseParameters(size: Int32($0)) })
    try await client.streamingOutputCall(request) { answers in
      for size in Self.responseSizes {
        try await expect(answers.next(), zeros: size)
      }
      try expect(try await answers.next() == nil, "four answers")
    }
  }

  func pingPong() async throws {
    try await client.fullDuplexCall { answers, writer in
      for (requestSize, responseSize) in zip(Self.requestSizes, Self.responseSizes) {
        try await writer.write(.answering(responseSize, to: requestSize))
        try await expect(answers.next(), zeros: responseSize)
      }
      await writer.finish()
      try expect(try await answers.next() == nil, "four answers")
    }
  }

  private func emptyStream() async throws {
    try await client.fullDuplexCall { answers, writer in
      await writer.finish()
      try expect(try await answers.next() == nil, "no answer")
    }
  }

  private func status(_ message: String) async throws {
    let echo = EchoStatus(code: Int32(StatusCode.unknown.rawValue), message: message)
    let unary = await failure {
      _ = try await client.unaryCall(SimpleRequest(responseStatus: echo))
    }
    let stream = await failure {
      try await client.fullDuplexCall { answers, writer in
        try await writer.write(StreamingOutputCallRequest(responseStatus: echo))
        await writer.finish()
        _ = try await answers.next()
      }
    }
    for error in [unary, stream] {
      try expect(error?.code == .unknown, "UNKNOWN, not \(String(describing: error))")
      try expect(error?.message == message, "the message, not \(String(describing: error))")
    }
  }

  private func unimplementedMethod() async throws {
    try await expectFailure(.unimplemented) { _ = try await client.unimplementedCall(Empty()) }
  }

  private func unimplementedService() async throws {
    try await expectFailure(.unimplemented) {
      _ = try await UnimplementedServiceClient(channel: channel).unimplementedCall(Empty())
    }
  }

  private func cancelAfterBegin() async throws {
    let stream = try await channel.openStream(
      TestServiceMethods.streamingInputCall, options: CallOptions())
    stream.cancel()
    try await expectFailure(.cancelled) { _ = try await stream.receive() }
  }

  private func cancelAfterFirstResponse() async throws {
    let stream = try await channel.openStream(
      TestServiceMethods.fullDuplexCall, options: CallOptions())
    let writer = MessageWriter<StreamingOutputCallRequest>(stream)
    let answers = MessageReader<StreamingOutputCallResponse>(stream)
    try await writer.write(.answering(31_415, to: 27_182))
    try await expect(answers.next(), zeros: 31_415)
    stream.cancel()
    try await expectFailure(.cancelled) { _ = try await answers.next() }
  }

  private func timeoutOnSleepingServer() async throws {
    // Connected before, or the time would pass on the way.
    try await emptyUnary()
    try await expectFailure(.deadlineExceeded) {
      try await client.fullDuplexCall(options: CallOptions(timeout: .milliseconds(1))) {
        answers, writer in
        try await writer.write(StreamingOutputCallRequest(payload: Payload(zeros: 27_182)))
        _ = try await answers.next()
      }
    }
  }

  private func pickFirstUnary() async throws {
    var servers: Set<String> = []
    for _ in 0..<20 {
      let answer = try await client.unaryCall(SimpleRequest(responseSize: 1, fillServerID: true))
      servers.insert(answer.serverID)
    }
    try expect(servers.count == 1 && !servers.contains(""), "one server, not \(servers)")
  }

  private func concurrentLargeUnary() async throws {
    let client = client
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<Self.concurrentCalls {
        group.addTask {
          try await expect(client.unaryCall(.large), zeros: SimpleRequest.largeResponse)
        }
      }
      try await group.waitForAll()
    }
  }

  /// Waits for a server that is not there yet.
  private func reconnect() async throws {
    _ = try await client.emptyCall(
      Empty(), options: CallOptions(timeout: .seconds(50), waitForReady: true))
  }

  private func rpcSoak() async throws {
    for _ in 0..<Self.soakIterations { try await largeUnary() }
  }

  private func channelSoak() async throws {
    for _ in 0..<Self.soakChannels {
      let channel = connect()
      let client = TestServiceClient(channel: channel)
      try await expect(client.unaryCall(.large), zeros: SimpleRequest.largeResponse)
      await channel.close()
    }
  }
}
