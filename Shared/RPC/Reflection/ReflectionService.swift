package import RPCCore
package import ReflectionAPI

/// Answers what a server's services are and what their messages look like (gRPC "Server
/// Reflection Protocol"), so that tools can call it without its proto files.
package struct ReflectionService: ServerReflection {
  private let services: [String]
  private let pool: DescriptorPool
  private let shutdown: @Sendable () async -> Void

  /// Reflection on the services of these full names; its own are added.
  ///
  /// - Parameter shutdown: returns when the server is about to drain; tools keep their stream open,
  ///   and a drain waits for the calls that run.
  /// - Throws: ``MalformedDescriptor``, which is an error of the build.
  package init(
    services: [String], fileDescriptorSet: [UInt8] = ContractDescriptors.fileDescriptorSet,
    shutdown: @escaping @Sendable () async -> Void
  ) throws(MalformedDescriptor) {
    self.shutdown = shutdown
    let names = Set(services).union(Self.names)
    self.services = names.sorted()
    pool = try DescriptorPool(fileDescriptorSet: fileDescriptorSet, services: names)
  }

  /// The full names of reflection itself, the present and the former one.
  package static let names = [
    "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
  ]

  /// Reflection under both its names; their messages are the same.
  package var registrations: [ServiceRegistration] {
    Self.names.map { name in
      let method = MethodDescriptor(
        service: name, name: ServerReflectionMethods.serverReflectionInfo.name,
        kind: .bidirectional, idempotency: .noSideEffects)
      let handler = MethodHandler(bidirectional: method) {
        (requests, responses, context) async throws in
        try await serverReflectionInfo(requests, to: responses, context: context)
      }
      return ServiceRegistration(name: name, methods: [handler])
    }
  }

  package func serverReflectionInfo(
    _ requests: MessageReader<ServerReflectionRequest>,
    to writer: MessageWriter<ServerReflectionResponse>, context: ServerContext
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        while let request = try await requests.next() {
          try await writer.write(
            ServerReflectionResponse(
              validHost: request.host, originalRequest: request, messageResponse: answer(request)))
        }
      }
      group.addTask {
        await shutdown()
        throw RPCError(.unavailable, reason: "SHUTTING_DOWN", "this process shuts down")
      }
      try await group.next()
    }
  }

  /// The answer to one question.
  func answer(_ request: ServerReflectionRequest) -> ServerReflectionResponse.MessageResponse {
    switch request.messageRequest {
    case .listServices:
      return .listServicesResponse(
        ListServiceResponse(service: services.map { ServiceResponse(name: $0) }))
    case .fileByFilename(let name):
      return files(pool.file(named: name), "file \(shortened(name))")
    case .fileContainingSymbol(let symbol):
      return files(pool.file(declaring: symbol), "symbol \(shortened(symbol))")
    case .fileContainingExtension(let request):
      let name = "extension \(request.extensionNumber) of \(shortened(request.containingType))"
      return files(
        pool.file(extending: request.containingType, number: request.extensionNumber), name)
    case .allExtensionNumbersOfType(let type):
      guard let numbers = pool.extensionNumbers(of: type) else {
        return notFound("message \(shortened(type))")
      }
      return .allExtensionNumbersResponse(
        ExtensionNumberResponse(baseTypeName: type, extensionNumber: numbers))
    case nil:
      return .errorResponse(
        ErrorResponse(
          errorCode: Int32(StatusCode.invalidArgument.rawValue),
          errorMessage: "the request asks nothing: message_request is not set"))
    }
  }

  private func files(
    _ files: [[UInt8]]?, _ what: String
  ) -> ServerReflectionResponse.MessageResponse {
    guard let files else { return notFound(what) }
    return .fileDescriptorResponse(FileDescriptorResponse(fileDescriptorProto: files))
  }

  private func notFound(_ what: String) -> ServerReflectionResponse.MessageResponse {
    .errorResponse(
      ErrorResponse(
        errorCode: Int32(StatusCode.notFound.rawValue),
        errorMessage: "this server has no \(what)"))
  }

  /// A name as far as an error repeats it.
  private func shortened(_ name: String) -> String {
    name.utf8.count <= 200 ? name : "\(name.prefix(200))…"
  }
}
