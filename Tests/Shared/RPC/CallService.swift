import GoogleAPI
import RPCCore

/// The four kinds of call over `google.protobuf.Any`; what a call does is asked for in its request
/// metadata.
///
/// - `x-initial`, `x-initial-bin`: come back as initial metadata.
/// - `x-trailing`, `x-trailing-bin`: come back as trailing metadata.
/// - `x-fail`: the call ends with ABORTED instead of OK, after its answers.
/// - `x-compress`: the name of the answers' compression; answers of the type `plain` are not.
///
/// Every call answers each request with a message of the same type and value, `+` behind the type of
/// a request that came compressed; a client-streaming one joins them in one.
enum CallService {
  static let name = "kontor.test.v1.CallService"

  static func method(_ kind: MethodDescriptor.Kind) -> MethodDescriptor {
    MethodDescriptor(service: name, name: "\(kind)", kind: kind)
  }

  static let kinds: [MethodDescriptor.Kind] = [
    .unary, .clientStreaming, .serverStreaming, .bidirectional,
  ]

  static let registration = ServiceRegistration(
    name: name,
    methods: [
      MethodHandler(unary: method(.unary)) { (request: AnyMessage, context: ServerContext) in
        begin(context)
        try end(context)
        return request.marked(context.isRequestCompressed)
      },
      MethodHandler(clientStreaming: method(.clientStreaming)) {
        (requests: MessageReader<AnyMessage>, context: ServerContext) in
        begin(context)
        var all = AnyMessage()
        while let request = try await requests.receive() {
          all.typeURL += request.message.marked(request.isCompressed).typeURL
          all.value += request.message.value
        }
        try end(context)
        return all
      },
      MethodHandler(serverStreaming: method(.serverStreaming)) {
        (request: AnyMessage, writer: MessageWriter<AnyMessage>, context: ServerContext) in
        begin(context)
        if context.metadata["x-silent"] == nil {
          try await writer.write(
            request.marked(context.isRequestCompressed), compress: request.typeURL != "plain")
        }
        try end(context)
      },
      MethodHandler(bidirectional: method(.bidirectional)) {
        (
          requests: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>,
          context: ServerContext
        ) in
        begin(context)
        if context.metadata["x-early"] != nil { await writer.sendHeaders() }
        while let request = try await requests.receive() {
          try await writer.write(
            request.message.marked(request.isCompressed),
            compress: request.message.typeURL != "plain")
        }
        try end(context)
      },
    ])

  private static func begin(_ context: ServerContext) {
    for entry in context.metadata.entries {
      if entry.name.hasPrefix("x-initial") { context.response.initialMetadata.append(entry) }
      if entry.name.hasPrefix("x-trailing") { context.response.trailingMetadata.append(entry) }
    }
    switch context.metadata["x-compress"] {
    case "gzip": context.response.compression = .gzip
    case "deflate": context.response.compression = .deflate
    default: break
    }
  }

  private static func end(_ context: ServerContext) throws {
    guard context.metadata["x-fail"] != nil else { return }
    throw RPCError(
      .aborted, "as asked", details: [], metadata: ["x-error": context.metadata["x-fail"] ?? ""])
  }
}

extension AnyMessage {
  fileprivate func marked(_ isCompressed: Bool) -> AnyMessage {
    AnyMessage(typeURL: isCompressed ? typeURL + "+" : typeURL, value: value)
  }
}

extension ClientChannel {
  /// Makes a call of any kind of `CallService` with requests of the given types.
  ///
  /// - Returns: the answers, the types of those that came compressed with a `+` before them.
  func call(
    _ kind: MethodDescriptor.Kind, _ types: [String] = ["a"], options: CallOptions = CallOptions()
  ) async throws -> [String] {
    let method = CallService.method(kind)
    let value = [UInt8](repeating: 7, count: 1000)
    let requests = types.map { AnyMessage(typeURL: $0, value: value) }
    var options = options
    let response = options.response ?? ClientResponse()
    options.response = response
    func read(_ answers: MessageReader<AnyMessage>) async throws -> [String] {
      var all: [String] = []
      while let answer = try await answers.receive() {
        all.append((answer.isCompressed ? "+" : "") + answer.message.typeURL)
      }
      return all
    }
    switch kind {
    case .unary:
      let answer: AnyMessage = try await call(method, requests[0], options: options)
      return [(response.isCompressed ? "+" : "") + answer.typeURL]
    case .clientStreaming:
      let answer: AnyMessage = try await clientStreaming(method, options: options) {
        (writer: MessageWriter<AnyMessage>) in
        for request in requests {
          try await writer.write(request, compress: request.typeURL != "plain")
        }
      }
      return [(response.isCompressed ? "+" : "") + answer.typeURL]
    case .serverStreaming:
      return try await serverStreaming(method, requests[0], options: options) { answers in
        try await read(answers)
      }
    case .bidirectional:
      return try await bidirectional(method, options: options) {
        (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
        for request in requests {
          try await writer.write(request, compress: request.typeURL != "plain")
        }
        await writer.finish()
        return try await read(answers)
      }
    }
  }
}
