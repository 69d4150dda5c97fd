internal import InteropAPI
internal import Messages
internal import RPCCore
internal import SharedDomain

/// The server's side of gRPC's interoperability cases (grpc, doc/interop-test-descriptions.md,
/// "Server").
struct InteropService: TestService {
  /// The same for all calls of this process.
  let serverID: String
  /// What calls ask this server to report.
  let loadReports: LoadReports

  /// The methods, without the one that no server has.
  var registration: ServiceRegistration {
    let all = ServiceRegistration(testService: self)
    return ServiceRegistration(
      name: all.name,
      methods: all.methods.filter { $0.method != TestServiceMethods.unimplementedCall })
  }

  func emptyCall(_ request: Empty, context: ServerContext) async throws -> Empty { Empty() }

  func unaryCall(
    _ request: SimpleRequest, context: ServerContext
  ) async throws -> SimpleResponse {
    echoMetadata(context)
    try request.expectCompressed?.expect(context.isRequestCompressed)
    if request.responseCompressed?.value == true { context.response.compression = .gzip }
    if let report = request.orcaPerQueryReport {
      let bytes = try OrcaLoadReport(report).serialized()
      context.response.trailingMetadata.append(OrcaLoadReport.trailer, binary: bytes)
    }
    try request.responseStatus?.end()
    return SimpleResponse(
      payload: try Payload(size: request.responseSize),
      serverID: request.fillServerID ? serverID : "")
  }

  func streamingOutputCall(
    _ request: StreamingOutputCallRequest,
    to writer: MessageWriter<StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    if request.responseParameters.contains(where: { $0.compressed?.value == true }) {
      context.response.compression = .gzip
    }
    try await answer(request, to: writer, context)
    try request.responseStatus?.end()
  }

  func streamingInputCall(
    _ requests: MessageReader<StreamingInputCallRequest>, context: ServerContext
  ) async throws -> StreamingInputCallResponse {
    var size = 0
    while let request = try await requests.receive() {
      try request.message.expectCompressed?.expect(request.isCompressed)
      size += request.message.payload?.body.count ?? 0
    }
    return StreamingInputCallResponse(aggregatedPayloadSize: Int32(clamping: size))
  }

  func fullDuplexCall(
    _ requests: MessageReader<StreamingOutputCallRequest>,
    to writer: MessageWriter<StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    echoMetadata(context)
    var isReporting = false
    defer { if isReporting { loadReports.clear() } }
    while let request = try await requests.next() {
      if let report = request.orcaOobReport {
        loadReports.set(report)
        isReporting = true
      }
      try request.responseStatus?.end()
      try await answer(request, to: writer, context)
    }
  }

  func unimplementedCall(_ request: Empty, context: ServerContext) async throws -> Empty {
    throw RPCError(.unimplemented, "no server has this method")
  }

  private func answer(
    _ request: StreamingOutputCallRequest, to writer: MessageWriter<StreamingOutputCallResponse>,
    _ context: ServerContext
  ) async throws {
    for parameters in request.responseParameters {
      if parameters.intervalUs > 0 {
        try await Task.sleep(for: .microseconds(Int64(parameters.intervalUs)))
      }
      try await writer.write(
        StreamingOutputCallResponse(
          payload: try Payload(size: parameters.size),
          peerSocketAddress: parameters.fillPeerSocketAddress?.value == true
            ? context.peer.remoteAddress : ""),
        compress: parameters.compressed?.value ?? false)
    }
  }

  private func echoMetadata(_ context: ServerContext) {
    for entry in context.metadata.entries {
      switch entry.name {
      case "x-grpc-test-echo-initial": context.response.initialMetadata.append(entry)
      case "x-grpc-test-echo-trailing-bin": context.response.trailingMetadata.append(entry)
      default: break
      }
    }
  }
}

extension BoolValue {
  /// - Throws: INVALID_ARGUMENT when a request did not come as it says.
  fileprivate func expect(_ isCompressed: Bool) throws(RPCError) {
    guard value != isCompressed else { return }
    throw RPCError(.invalidArgument, "the request's compression is not what it says")
  }
}

extension EchoStatus {
  /// Ends a call with this status.
  fileprivate func end() throws(RPCError) {
    guard code != 0 else { return }
    throw RPCError(StatusCode(rawValue: Int(code)) ?? .unknown, message)
  }
}

extension Payload {
  /// The most that a request may ask for.
  private static let maximumSize: Int32 = 16 * 1024 * 1024

  /// Zeros.
  ///
  /// - Throws: INVALID_ARGUMENT for a size that is none, or too much.
  fileprivate init(size: Int32) throws(RPCError) {
    guard (0...Self.maximumSize).contains(size) else {
      throw RPCError(.invalidArgument, "a payload of \(size) bytes is not made here")
    }
    self.init(body: [UInt8](repeating: 0, count: Int(size)))
  }
}
