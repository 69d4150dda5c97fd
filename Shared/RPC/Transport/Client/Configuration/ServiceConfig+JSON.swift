internal import JSON
internal import RPCCore

extension ServiceConfig {
  /// Reads gRPC's JSON form ("Service Config in gRPC"; `grpc.service_config.ServiceConfig`).
  ///
  /// Read are `methodConfig` with name, waitForReady, timeout, maxRequestMessageBytes,
  /// maxResponseMessageBytes and retryPolicy (gRFC A6), `retryThrottling`, `loadBalancingConfig`
  /// (gRFC A24; the first policy that is known counts) or the older `loadBalancingPolicy`,
  /// `healthCheckConfig` (gRFC A17) and `connectionScaling` (gRFC A105). Other members are ignored, as gRPC asks for, hedging included;
  /// null is as good as absent.
  ///
  /// - Throws: ``ServiceConfigError`` naming the place and the value that cannot be used.
  package init(json text: String) throws(ServiceConfigError) {
    let root: JSONMember
    do throws(JSONError) {
      root = JSONMember(place: "", value: try JSONValue(parsing: text))
    } catch {
      throw ServiceConfigError(notJSON: error.description)
    }
    var methods: [MethodConfig] = []
    for config in try root.member("methodConfig")?.elements() ?? [] {
      methods.append(try MethodConfig(config))
    }
    try self.init(
      loadBalancingPolicy: Self.loadBalancingPolicy(root), methodConfigs: methods,
      retryThrottling: root.member("retryThrottling").map(RetryThrottling.init),
      healthCheckServiceName: root.member("healthCheckConfig")?.member("serviceName")?.text(),
      maximumConnectionsPerSubchannel: root.member("connectionScaling")?
        .member("maxConnectionsPerSubchannel")?.integer())
  }

  private static func loadBalancingPolicy(
    _ root: JSONMember
  ) throws(ServiceConfigError) -> LoadBalancingPolicy {
    let known = LoadBalancingPolicy.allCases.map(\.rawValue).joined(separator: " or ")
    if let configs = try root.member("loadBalancingConfig") {
      var names: [String] = []
      for config in try configs.elements() {
        let members = try config.members()
        guard let name = members.keys.first, members.count == 1 else {
          throw ServiceConfigError(
            config.place, "\(members.count) policies", "an object with one policy as its member")
        }
        if let policy = LoadBalancingPolicy(rawValue: name) { return policy }
        names.append(name)
      }
      throw ServiceConfigError(
        configs.place, names.isEmpty ? "empty" : names.joined(separator: ", "),
        "a list with \(known)")
    }
    guard let member = try root.member("loadBalancingPolicy") else { return .pickFirst }
    let name = try member.text()
    guard let policy = LoadBalancingPolicy(rawValue: name.lowercased()) else {
      throw ServiceConfigError(member.place, "\"\(name)\"", known)
    }
    return policy
  }
}

extension MethodConfig {
  fileprivate init(_ config: JSONMember) throws(ServiceConfigError) {
    var names: [Name] = []
    for name in try config.member("name")?.elements() ?? [] { names.append(try Name(name)) }
    do throws(ServiceConfigError) {
      try self.init(
        names, waitForReady: config.member("waitForReady")?.flag() ?? false,
        timeout: config.member("timeout")?.duration(),
        maxRequestMessageBytes: config.member("maxRequestMessageBytes")?.integer(),
        maxResponseMessageBytes: config.member("maxResponseMessageBytes")?.integer(),
        retryPolicy: config.member("retryPolicy").map(RetryPolicy.init))
    } catch {
      throw error.moved(from: "methodConfig", to: config.place)
    }
    if retryPolicy != nil, let hedging = try config.member("hedgingPolicy") {
      throw ServiceConfigError(hedging.place, "there", "no hedgingPolicy beside a retryPolicy")
    }
  }
}

extension MethodConfig.Name {
  /// Without a service it is every method, without a method every one of the service.
  fileprivate init(_ name: JSONMember) throws(ServiceConfigError) {
    let service = try name.member("service")?.text() ?? ""
    let method = try name.member("method")
    let methodName = try method?.text() ?? ""
    switch (service.isEmpty, methodName.isEmpty) {
    case (true, true): self = .all
    case (false, true): self = .service(service)
    case (false, false): self = .method(service: service, name: methodName)
    case (true, false):
      throw ServiceConfigError(
        "\(name.place).service", "empty", "the service of method \(methodName)")
    }
  }
}

extension RetryPolicy {
  fileprivate init(_ policy: JSONMember) throws(ServiceConfigError) {
    let attempts = try policy.required("maxAttempts").integer()
    var codes: Set<StatusCode> = []
    for code in try policy.required("retryableStatusCodes").elements() {
      codes.insert(try StatusCode(code))
    }
    do throws(ServiceConfigError) {
      try self.init(
        // A greater number is no error (gRFC A6).
        maxAttempts: min(attempts, Self.maximumAttempts),
        initialBackoff: policy.required("initialBackoff").duration(),
        maxBackoff: policy.required("maxBackoff").duration(),
        backoffMultiplier: policy.required("backoffMultiplier").number(),
        retryableStatusCodes: codes)
    } catch {
      throw error.moved(from: "retryPolicy", to: policy.place)
    }
  }
}

extension RetryThrottling {
  fileprivate init(_ throttling: JSONMember) throws(ServiceConfigError) {
    try self.init(
      maxTokens: throttling.required("maxTokens").integer(),
      tokenRatio: throttling.required("tokenRatio").number())
  }
}

extension StatusCode {
  /// A name in any case, or a number (gRFC A6).
  fileprivate init(_ code: JSONMember) throws(ServiceConfigError) {
    let found: StatusCode? =
      switch code.value {
      case .string(let name): Self.allCases.first { $0.description == name.uppercased() }
      case .integer(let number): Int(exactly: number).flatMap { Self(rawValue: $0) }
      default: nil
      }
    guard let found else {
      throw ServiceConfigError(
        code.place, "\(code.value)", "a status code's name or number, such as \"UNAVAILABLE\" or 14"
      )
    }
    self = found
  }
}

/// A value of the text with its place, for example `methodConfig[0].timeout`.
private struct JSONMember {
  let place: String
  let value: JSONValue

  /// Nil when it is absent or null.
  func member(_ name: String) throws(ServiceConfigError) -> JSONMember? {
    guard let value = try members()[name], value != .null else { return nil }
    return JSONMember(place: place.isEmpty ? name : "\(place).\(name)", value: value)
  }

  func required(_ name: String) throws(ServiceConfigError) -> JSONMember {
    guard let member = try member(name) else {
      throw ServiceConfigError("\(place).\(name)", "absent", "a value")
    }
    return member
  }

  func members() throws(ServiceConfigError) -> [String: JSONValue] {
    guard case .object(let members) = value else {
      throw ServiceConfigError(
        place.isEmpty ? "the service config" : place, "\(value)", "an object")
    }
    return members
  }

  func elements() throws(ServiceConfigError) -> [JSONMember] {
    guard case .array(let values) = value else { throw unexpected("an array") }
    return values.enumerated().map {
      JSONMember(place: "\(place)[\($0.offset)]", value: $0.element)
    }
  }

  func text() throws(ServiceConfigError) -> String {
    guard case .string(let text) = value else { throw unexpected("a string") }
    return text
  }

  func flag() throws(ServiceConfigError) -> Bool {
    guard case .bool(let flag) = value else { throw unexpected("true or false") }
    return flag
  }

  /// A whole number, also written as a string, as protobuf's JSON has 64-bit and wrapped ones.
  func integer() throws(ServiceConfigError) -> Int {
    let found: Int? =
      switch value {
      case .integer(let number): Int(exactly: number)
      case .number(let number): Int(exactly: number)
      case .string(let text): Int(text)
      default: nil
      }
    guard let found else { throw unexpected("a whole number") }
    return found
  }

  func number() throws(ServiceConfigError) -> Double {
    switch value {
    case .integer(let number): return Double(number)
    case .number(let number): return number
    default: throw unexpected("a number")
    }
  }

  /// Protobuf's JSON form: seconds with up to nine decimals and an `s`.
  func duration() throws(ServiceConfigError) -> Duration {
    guard case .string(let text) = value, let duration = Duration(protobufJSON: text) else {
      throw unexpected("seconds as a string, such as \"1.5s\"")
    }
    return duration
  }

  private func unexpected(_ expected: String) -> ServiceConfigError {
    ServiceConfigError(place, "\(value)", expected)
  }
}

extension Duration {
  /// The longest of protobuf, some 10 000 years.
  private static let maximumSeconds: Int64 = 315_576_000_000

  /// Nil when the text is not `google.protobuf.Duration` in JSON.
  fileprivate init?(protobufJSON text: String) {
    let bytes = Array(text.utf8)
    guard bytes.last == UInt8(ascii: "s") else { return nil }
    let isNegative = bytes.first == UInt8(ascii: "-")
    let parts = bytes.dropLast().dropFirst(isNegative ? 1 : 0).split(
      separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    func digits(_ part: ArraySlice<UInt8>, _ most: Int) -> Int64? {
      guard (1...most).contains(part.count) else { return nil }
      var number: Int64 = 0
      for byte in part {
        guard (0x30...0x39).contains(byte) else { return nil }
        number = number * 10 + Int64(byte - 0x30)  // at most twelve digits
      }
      return number
    }
    guard let whole = parts.first, let seconds = digits(whole, 12), seconds <= Self.maximumSeconds
    else { return nil }
    var nanoseconds: Int64 = 0
    if parts.count == 2 {
      let zeros = [UInt8](repeating: 0x30, count: max(9 - parts[1].count, 0))
      guard !parts[1].isEmpty, let fraction = digits((parts[1] + zeros)[...], 9) else { return nil }
      nanoseconds = fraction
    }
    let duration = Duration.seconds(seconds) + .nanoseconds(nanoseconds)
    self = isNegative ? .zero - duration : duration
  }
}
