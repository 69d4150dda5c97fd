internal import RPCCore
internal import RPCTransport

extension ServiceConfig {
  /// Bytes of a file with a service config, at most.
  private static let maximumFileBytes = 64 * 1024

  /// Reads gRPC's JSON form from a file.
  ///
  /// - Throws: ``ConfigurationError`` naming the file, and the place and value in it that cannot be
  ///   used.
  init(file path: String) throws(ConfigurationError) {
    let bytes = try readFile(path, limit: Self.maximumFileBytes, describedAs: "service config")
    do throws(ServiceConfigError) {
      try self.init(json: String(decoding: bytes, as: UTF8.self))
    } catch {
      throw ConfigurationError(.invalidValue, "service config \(quoted(path)): \(error)")
    }
  }

  /// How a service calls another.
  ///
  /// What only reads, and what may be repeated (`idempotency_level`), is tried again when the other
  /// is unavailable: up to four times within about 0.4 s, unless many calls fail. Everything else is
  /// not: signing in has no `request_id`, and a refresh token that is used twice ends its session.
  ///
  /// - Parameter hasReplicas: calls go to every configured host in turn, as long as its health says
  ///   that it serves.
  /// - Throws: never in practice; the values are within their ranges.
  static func betweenServices(hasReplicas: Bool) throws(ServiceConfigError) -> ServiceConfig {
    let retries = try RetryPolicy(
      maxAttempts: 4, initialBackoff: .milliseconds(50), maxBackoff: .seconds(1),
      backoffMultiplier: 2, retryableStatusCodes: [.unavailable])
    return try ServiceConfig(
      loadBalancingPolicy: hasReplicas ? .roundRobin : .pickFirst,
      methodConfigs: [MethodConfig([.idempotent], retryPolicy: retries)],
      retryThrottling: RetryThrottling(maxTokens: 100, tokenRatio: 0.1),
      healthCheckServiceName: hasReplicas ? "" : nil)
  }
}
