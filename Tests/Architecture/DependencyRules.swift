/// Who may import whom (Shared/Documentation/ARCHITECTURE.md), as a table.
enum DependencyRules {
  /// Every service, as its targets' names begin.
  static let services = ["Identity", "Organizations", "Shop", "Accounting"]

  /// Targets that programs may only know where the parts are put together.
  static let drivers: Set<String> = ["SQLiteDriver", "PostgresDriver"]

  /// Names of the standard library and the system.
  private static let standard: Set<String> = ["Synchronization"]
  private static let system: Set<String> = ["Glibc", "Dispatch", "Synchronization"]
  private static let network: Set<String> = ["NIOCore", "NIOPosix"]

  /// The values and stubs that are generated from the contracts.
  private static let interfaces: Set<String> = [
    "GoogleAPI", "CommonAPI", "HealthAPI", "ReflectionAPI", "IdentityAPI", "OrganizationsAPI",
    "ShopAPI", "AccountingAPI",
  ]

  /// What each shared target may import.
  private static let shared: [String: Set<String>] = [
    "SharedDomain": [],
    "Threads": system,
    "Messages": system.union(["CProtobufC"]),
    "TLS": system.union(["COpenSSL"]),
    "HTTP2": system.union(["CNGHTTP2"]),
    "Compression": ["CZlib"],
    "JSON": ["CJansson"],
    "RPCCore": system.union(["GoogleAPI", "Messages", "SharedDomain", "Logging"]),
    "RPCTransport": system.union(network).union([
      "Compression", "JSON", "RPCCore", "HTTP2", "TLS", "GoogleAPI", "HealthAPI", "Messages",
      "SharedDomain", "Logging",
    ]),
    "Reflection": ["RPCCore", "ReflectionAPI"],
    "RPCInProcess": system.union(["RPCCore", "Messages", "SharedDomain", "Logging"]),
    "SQLCore": standard.union(["SharedDomain"]),
    "SQLiteDriver": system.union(["CSQLite", "SQLCore", "SharedDomain", "Threads", "Logging"]),
    "PostgresDriver": system.union(["CPostgres", "SQLCore", "SharedDomain", "Threads", "Logging"]),
    // The one place, beside the operator's tools, that knows both drivers.
    "DatabaseSelection": drivers.union(["SQLCore", "Bootstrap", "SharedDomain", "Logging"]),
    "ServiceStorage": standard.union([
      "SQLCore", "SharedDomain", "Cryptography", "GoogleAPI", "CommonAPI", "JSON", "Messages",
      "RPCCore", "Logging",
    ]),
    "Cryptography": system.union(["CCrypto", "CArgon2", "SharedDomain", "Threads"]),
    "RequestValidation": ["CommonAPI", "GoogleAPI", "RPCCore", "SharedDomain"],
    "Authentication": standard.union(interfaces).union([
      "RPCCore", "RequestValidation", "Messages", "SharedDomain", "Cryptography", "Logging",
    ]),
    "Notices": system.union(["SharedDomain", "Cryptography", "Threads", "Logging"]),
    "Bootstrap": system.union(network).union([
      "RPCCore", "RPCTransport", "Reflection", "TLS", "HealthAPI", "GoogleAPI", "Messages",
      "SharedDomain", "Threads", "Logging",
    ]),
    "Operator": system.union(network).union([
      "Bootstrap", "RPCCore", "RPCTransport", "TLS", "HealthAPI", "Cryptography", "SharedDomain",
      "Logging", "Subprocess", "SystemPackage", "FoundationEssentials",
    ]),
  ]

  /// The operator's tools on stored data: no service, so they may read what every service stores
  /// (Decisions/0008).
  private static let operatorData = system.union(services.map { "\($0)Storage" }).union([
    "Operator", "AccountingDomain", "Bootstrap", "SQLCore", "ServiceStorage", "Cryptography",
    "SharedDomain", "FoundationEssentials", "Subprocess", "SystemPackage",
  ]).union(drivers)

  /// What a target may import, or nil when no rule covers it.
  static func allowed(_ target: Project.Target) -> Set<String>? {
    if let names = shared[target.name] { return names }
    if target.path.hasPrefix("Tests/") { return nil }
    if interfaces.contains(target.name) {
      return interfaces.union(system).union(["CKontorProto", "Messages", "RPCCore"])
        .subtracting([target.name])
    }
    if target.name == "CKontorProto" { return ["CProtobufC"] }
    if target.name == "OperatorData" { return operatorData }
    if target.name == "kontor" {
      return system.union([
        "Operator", "OperatorData", "Bootstrap", "SharedDomain", "ArgumentParser", "Logging",
      ])
    }
    if target.name.hasPrefix("Gateway") || target.name == "kontor-gateway" {
      return allowedInGateway(target)
    }
    for service in services {
      if let names = allowed(target.name, of: service) { return names }
    }
    return nil
  }

  private static func allowed(_ target: String, of service: String) -> Set<String>? {
    let domain = "\(service)Domain"
    let storage = "\(service)Storage"
    let handlers = "\(service)Service"
    switch target {
    case domain: return ["SharedDomain"]
    case storage: return standard.union([domain, "SQLCore", "ServiceStorage", "SharedDomain"])
    case handlers:
      return standard.union(interfaces).union([
        domain, storage, "RPCCore", "RequestValidation", "Messages", "SharedDomain", "SQLCore",
        "ServiceStorage", "Authentication", "Cryptography", "Notices", "Logging",
      ])
    case "kontor-\(service.lowercased())":
      return system.union(network).union(interfaces).union([
        domain, storage, handlers, "Bootstrap", "DatabaseSelection", "RPCCore", "RPCTransport",
        "TLS", "Messages",
        "SharedDomain", "SQLCore", "ServiceStorage", "Authentication", "Cryptography", "Notices",
        "Logging",
      ])
    default: return nil
    }
  }

  private static func allowedInGateway(_ target: Project.Target) -> Set<String> {
    let parts = ["GatewayProxy", "GatewayTranscoding", "GatewayConsole", "GatewayService"]
    let inner = standard.union(interfaces).union(parts).union([
      "RPCCore", "Messages", "SharedDomain", "Authentication", "Cryptography", "Logging",
    ]).subtracting([target.name])
    guard target.kind == .executable else { return inner }
    return inner.union(system).union(network).union(["Bootstrap", "RPCTransport", "TLS"])
  }

  /// Arrows that the table does not have, in the manifest and in the sources.
  static func forbiddenArrows(in project: Project) -> [Violation] {
    var violations: [Violation] = []
    for target in project.targets where target.kind != .system {
      if target.path.hasPrefix("Tests/") { continue }
      guard let allowed = allowed(target) else {
        violations.append(
          Violation(place: "Package.swift", message: "no rule says what \(target.name) may import"))
        continue
      }
      for dependency in target.dependencies where !allowed.contains(dependency) {
        violations.append(
          Violation(
            place: "Package.swift", message: "\(target.name) must not depend on \(dependency)"))
      }
      for source in target.sources {
        for item in source.imports where !allowed.contains(item.module) {
          violations.append(
            Violation(
              place: "\(source.path):\(item.line)",
              message: "\(target.name) must not import \(item.module)"))
        }
      }
    }
    return violations
  }

  /// C modules with another number of Swift importers than one, or imported so that their types
  /// could show in another module's interface.
  static func leakingCModules(in project: Project) -> [Violation] {
    var violations: [Violation] = []
    for module in project.targets where module.kind == .system || module.name == "CKontorProto" {
      let importers = project.targets.filter { target in
        target.sources.contains { $0.imports.contains { $0.module == module.name } }
      }
      let names = importers.map(\.name).sorted()
      if module.name == "CKontorProto" {
        for name in names where !interfaces.contains(name) {
          violations.append(
            Violation(place: name, message: "only generated targets import CKontorProto"))
        }
      } else if names.count > 1 {
        violations.append(
          Violation(
            place: module.path,
            message: "\(module.name) is for one importer but has \(names.joined(separator: ", "))"))
      }
      for source in importers.flatMap(\.sources) {
        for item in source.imports
        where item.module == module.name && ["public", "package"].contains(item.access) {
          violations.append(
            Violation(
              place: "\(source.path):\(item.line)",
              message: "\(module.name) is imported with \(item.access) access"))
        }
      }
    }
    return violations
  }

  /// Imports of Foundation in what a service's executable links: it adds 45 MB to a static binary.
  static func foundationInServices(in project: Project) -> [Violation] {
    let programs = project.targets.filter {
      $0.kind == .executable && $0.path.hasPrefix("Services/") && $0.name != "kontor"
    }
    var violations: Set<Violation> = []
    for target in programs.flatMap({ project.closure(of: $0.name) }) {
      for source in target.sources {
        for item in source.imports
        where item.module.hasPrefix("Foundation") || item.module.hasSuffix("FoundationCompat") {
          violations.insert(
            Violation(
              place: "\(source.path):\(item.line)",
              message: "\(item.module) would be linked into the services"))
        }
      }
    }
    return violations.sorted { $0.place < $1.place }
  }
}
