package import HealthAPI
package import RPCCore

extension ServingStatus {
  /// The status of a process with these services.
  package convenience init(of services: [ServiceRegistration]) {
    self.init(services: services.map(\.name))
  }
}

extension ServingStatus: Health {
  package func check(_ request: HealthCheckRequest, context: ServerContext) async throws
    -> HealthCheckResponse
  {
    guard let state = state(of: request.service) else {
      throw RPCError(
        .notFound, reason: "SERVICE_UNKNOWN",
        "this process has no service \(quoted(request.service, limit: 100))",
        fields: [FieldViolation(field: "service", description: "is not served here")])
    }
    return HealthCheckResponse(status: state.wire)
  }

  package func list(_ request: HealthListRequest, context: ServerContext) async throws
    -> HealthListResponse
  {
    // A process has fewer services than the 100 that an answer may hold (gRFC A90).
    var statuses: [String: HealthCheckResponse] = [:]
    for service in services {
      if let state = state(of: service) {
        statuses[service] = HealthCheckResponse(status: state.wire)
      }
    }
    return HealthListResponse(statuses: statuses)
  }

  package func watch(
    _ request: HealthCheckRequest, to writer: MessageWriter<HealthCheckResponse>,
    context: ServerContext
  ) async throws {
    var last: HealthCheckResponse.ServingStatus?
    for await _ in changes() {
      let status = state(of: request.service)?.wire ?? .serviceUnknown
      guard status != last else { continue }
      last = status
      try await writer.write(HealthCheckResponse(status: status))
    }
    try Task.checkCancellation()
    throw RPCError(.unavailable, reason: "SHUTTING_DOWN", "this process shuts down")
  }
}

extension ServingStatus.State {
  fileprivate var wire: HealthCheckResponse.ServingStatus {
    switch self {
    case .serving: .serving
    case .notServing: .notServing
    }
  }
}
