/// How a channel treats its calls: gRPC's service config as a typed value.
///
/// The names are those of gRPC's JSON form ("Service Config in gRPC"), which `init(json:)` reads.
package struct ServiceConfig: Sendable, Hashable {
  package let loadBalancingPolicy: LoadBalancingPolicy
  package let methodConfigs: [MethodConfig]
  /// Nil: retries are not throttled.
  package let retryThrottling: RetryThrottling?
  /// The service whose health decides whether a connection takes calls, empty for the server as a
  /// whole; nil: no health checking. Only `roundRobin` looks at it (gRFC A17).
  package let healthCheckServiceName: String?
  /// Connections of one event loop to one address, at most, where the channel's limit is not lower
  /// (gRFC A105); nil for the channel's limit.
  package let maximumConnectionsPerSubchannel: Int?

  /// `pick_first`, no retries, no health checking.
  package static let standard = ServiceConfig()

  private init() {
    loadBalancingPolicy = .pickFirst
    methodConfigs = []
    retryThrottling = nil
    healthCheckServiceName = nil
    maximumConnectionsPerSubchannel = nil
  }

  /// - Throws: ``ServiceConfigError`` when two method configs have the same name, or there is to be
  ///   no connection.
  package init(
    loadBalancingPolicy: LoadBalancingPolicy = .pickFirst, methodConfigs: [MethodConfig] = [],
    retryThrottling: RetryThrottling? = nil, healthCheckServiceName: String? = nil,
    maximumConnectionsPerSubchannel: Int? = nil
  ) throws(ServiceConfigError) {
    var names: Set<MethodConfig.Name> = []
    for (index, config) in methodConfigs.enumerated() {
      for name in config.names where !names.insert(name).inserted {
        throw ServiceConfigError(
          "methodConfig[\(index)].name", "\(name)", "a name that no other method config has")
      }
    }
    self.loadBalancingPolicy = loadBalancingPolicy
    self.methodConfigs = methodConfigs
    self.retryThrottling = retryThrottling
    self.healthCheckServiceName = healthCheckServiceName
    if let connections = maximumConnectionsPerSubchannel, connections < 1 {
      throw ServiceConfigError(
        "connectionScaling.maxConnectionsPerSubchannel", "\(connections)", "at least 1")
    }
    self.maximumConnectionsPerSubchannel = maximumConnectionsPerSubchannel
  }
}

/// When to hold retries back: a bucket of tokens (gRFC A6, "Throttling Retry Attempts").
package struct RetryThrottling: Sendable, Hashable {
  /// What the bucket holds when full; a failed call takes one token, and no retry happens while it
  /// is at most half full.
  package let maxTokens: Int
  /// What a successful call puts back, in thousandths of a token.
  package let tokenRatioThousandths: Int

  /// - Parameter tokenRatio: in tokens; decimals beyond the third are dropped.
  /// - Throws: ``ServiceConfigError`` naming the value that is out of range.
  package init(maxTokens: Int, tokenRatio: Double) throws(ServiceConfigError) {
    guard (1...1000).contains(maxTokens) else {
      throw ServiceConfigError("retryThrottling.maxTokens", "\(maxTokens)", "1 to 1000")
    }
    guard tokenRatio >= 0.001, tokenRatio <= 1000 else {
      throw ServiceConfigError("retryThrottling.tokenRatio", "\(tokenRatio)", "0.001 to 1000")
    }
    self.maxTokens = maxTokens
    tokenRatioThousandths = Int(tokenRatio * 1000)
  }
}

/// A value of a service config that cannot be used.
package struct ServiceConfigError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The value's place by the names of the JSON form, for example `retryPolicy.maxAttempts`.
  package let field: String
  /// What the value is, and what was expected.
  private let reason: String

  package var description: String { field.isEmpty ? reason : "\(field) \(reason)" }

  init(_ field: String, _ value: String, _ expected: String) {
    self.field = field
    reason = "is \(value), expected \(expected)"
  }

  /// The whole text cannot be read.
  init(notJSON reason: String) {
    field = ""
    self.reason = "the service config is no JSON: \(reason)"
  }

  private init(field: String, reason: String) {
    self.field = field
    self.reason = reason
  }

  /// The same error where a value that is checked by itself is a part of another.
  func moved(from name: String, to place: String) -> Self {
    guard field.hasPrefix("\(name).") else { return self }
    return Self(field: place + field.dropFirst(name.count), reason: reason)
  }
}
