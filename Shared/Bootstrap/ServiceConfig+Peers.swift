internal import RPCCore
internal import RPCTransport

extension ServiceConfig {
  /// How a service calls another.
  ///
  /// What only reads is tried again when the other is unavailable: up to four times within about
  /// 0.4 s, unless many calls fail. Everything else is not, although most of it carries a
  /// `request_id`: signing in, refreshing a session and a few internal calls do not, and a refresh
  /// token that is used twice ends its session.
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
      methodConfigs: [MethodConfig([.readOnly], retryPolicy: retries)],
      retryThrottling: RetryThrottling(maxTokens: 100, tokenRatio: 0.1),
      healthCheckServiceName: hasReplicas ? "" : nil)
  }
}
