internal import RPCCore

/// How a channel treats the calls of some methods (gRPC service config, `methodConfig`).
package struct MethodConfig: Sendable, Hashable {
  /// Which methods are meant. The most exact name wins: method, service, `readOnly`, `idempotent`,
  /// `all`.
  package enum Name: Sendable, Hashable, CustomStringConvertible {
    case method(service: String, name: String)
    case service(String)
    /// Every method that only reads, by its descriptor. gRPC's JSON form has no such names: it does
    /// not see `idempotency_level`.
    case readOnly
    /// Every method that may be repeated, by its descriptor; it may also only read.
    case idempotent
    case all

    package var description: String {
      switch self {
      case .method(let service, let name): "\(service)/\(name)"
      case .service(let service): "\(service)/"
      case .readOnly: "methods that only read"
      case .idempotent: "methods that may be repeated"
      case .all: "all methods"
      }
    }
  }

  package let names: [Name]
  /// True: calls wait for a connection instead of failing with UNAVAILABLE.
  package let waitForReady: Bool
  /// The longest time for a call; a shorter one of the call itself counts.
  package let timeout: Duration?
  /// Longest request message in bytes; a longer one is RESOURCE_EXHAUSTED and not sent.
  package let maxRequestMessageBytes: Int?
  /// Longest response message in bytes, below the channel's own limit.
  package let maxResponseMessageBytes: Int?
  /// Nil: only transparent retries.
  package let retryPolicy: RetryPolicy?

  /// - Throws: ``ServiceConfigError`` naming the value that is out of range.
  package init(
    _ names: [Name], waitForReady: Bool = false, timeout: Duration? = nil,
    maxRequestMessageBytes: Int? = nil, maxResponseMessageBytes: Int? = nil,
    retryPolicy: RetryPolicy? = nil
  ) throws(ServiceConfigError) {
    guard !names.isEmpty else {
      throw ServiceConfigError("methodConfig.name", "empty", "at least one name")
    }
    for name in names {
      if case .method(let service, let method) = name, service.isEmpty || method.isEmpty {
        throw ServiceConfigError("methodConfig.name", "\(name)", "service and method")
      }
      if case .service("") = name {
        throw ServiceConfigError("methodConfig.name.service", "empty", "a service's full name")
      }
    }
    if let timeout, timeout <= .zero {
      throw ServiceConfigError("methodConfig.timeout", "\(timeout)", "a positive duration")
    }
    if let bytes = maxRequestMessageBytes, bytes < 0 {
      throw ServiceConfigError("methodConfig.maxRequestMessageBytes", "\(bytes)", "at least 0")
    }
    if let bytes = maxResponseMessageBytes, bytes < 0 {
      throw ServiceConfigError("methodConfig.maxResponseMessageBytes", "\(bytes)", "at least 0")
    }
    self.names = names
    self.waitForReady = waitForReady
    self.timeout = timeout
    self.maxRequestMessageBytes = maxRequestMessageBytes
    self.maxResponseMessageBytes = maxResponseMessageBytes
    self.retryPolicy = retryPolicy
  }
}

extension MethodConfig {
  /// A call's options with what the config says about them.
  func completed(_ options: CallOptions) -> CallOptions {
    var options = options
    options.waitForReady = options.waitForReady || waitForReady
    if let timeout { options.timeout = min(options.timeout ?? timeout, timeout) }
    return options
  }

  /// Refuses a request that is too long to be sent.
  func check(requestBytes: Int) throws(RPCError) {
    guard let limit = maxRequestMessageBytes, requestBytes > limit else { return }
    throw RPCError(
      .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
      "a request of \(requestBytes) bytes is beyond the method's limit of \(limit) bytes")
  }

  /// The longest response in bytes.
  func maximumResponseBytes(_ limits: RPCLimits) -> Int {
    min(maxResponseMessageBytes ?? limits.maximumMessageBytes, limits.maximumMessageBytes)
  }
}

/// The method configs of a channel, by what a call looks for.
struct MethodConfigTable: Sendable {
  private var byPath: [String: MethodConfig] = [:]
  private var byService: [String: MethodConfig] = [:]
  private var readOnly: MethodConfig?
  private var idempotent: MethodConfig?
  private var all: MethodConfig?

  init(_ config: ServiceConfig) {
    for config in config.methodConfigs {
      for name in config.names {
        switch name {
        case .method(let service, let method): byPath["/\(service)/\(method)"] = config
        case .service(let service): byService[service] = config
        case .readOnly: readOnly = config
        case .idempotent: idempotent = config
        case .all: all = config
        }
      }
    }
  }

  /// What a method's calls are told; nil for nothing.
  subscript(method: MethodDescriptor) -> MethodConfig? {
    if !byPath.isEmpty, let config = byPath[method.path] { return config }
    if !byService.isEmpty, let config = byService[method.service] { return config }
    if method.isReadOnly, let readOnly { return readOnly }
    if method.idempotency != .unknown, let idempotent { return idempotent }
    return all
  }
}
