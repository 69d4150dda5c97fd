package import SharedDomain

/// A service's configuration: every declared key with its value, read once at start.
///
/// From the lowest to the highest: defaults, a file, the environment, flags. In the environment a key
/// is `KONTOR_<KEY>`, or `KONTOR_<SERVICE>_<KEY>`, which wins, in upper case with `_` for dots.
package struct ServiceConfiguration: Sendable {
  /// The service that is configured.
  package let service: ServiceName
  private let values: [String: any Sendable]

  /// Whence the values come.
  package struct Sources: Sendable {
    /// The program's arguments, its name left out.
    package var arguments: [String]
    /// Variables and their values.
    package var environment: [(name: String, value: String)]

    package init(arguments: [String] = [], environment: [(name: String, value: String)] = []) {
      self.arguments = arguments
      self.environment = environment
    }
  }

  /// A request that is answered by text on stdout instead of a run: `--help`, `--version`.
  package struct TextRequested: Error, Sendable, Hashable {
    package let text: String
  }

  /// Resolves the keys of a service.
  ///
  /// - Throws: ``ConfigurationError``, or ``TextRequested`` for `--help` and `--version`.
  /// - Precondition: no two settings share a name, or a name in the environment.
  package init(
    _ service: ServiceName, settings: [any DeclaredSetting], sources: Sources
  ) throws {
    Self.checkDeclarations(settings)
    self.service = service
    let keys = KeyTable(service: service, settings: settings)
    let arguments = try keys.assignments(arguments: sources.arguments)
    if arguments.isHelpRequested {
      throw TextRequested(text: keys.help)
    }
    if arguments.isVersionRequested {
      throw TextRequested(text: "\(service.executable) \(ProductVersion.current)\n")
    }
    let environment = try keys.assignments(environment: sources.environment)
    var chosen: [String: Assignment] = [:]
    if let file = arguments.file ?? environment.file {
      for assignment in try keys.assignments(file: ConfigurationFile(path: file), name: file) {
        chosen[assignment.key] = assignment
      }
    }
    for assignment in environment.assignments + arguments.assignments {
      chosen[assignment.key] = assignment
    }
    var values: [String: any Sendable] = [:]
    for setting in settings {
      values[setting.name] = try keys.value(of: setting, from: chosen[setting.name])
    }
    self.values = values
    try checkDevelopmentKeys(settings, chosen)
  }

  /// The value of a declared key.
  ///
  /// - Precondition: the key was among the settings that the configuration was made with.
  package subscript<Value>(_ setting: Setting<Value>) -> Value {
    guard let resolved = values[setting.name] as? ResolvedValue<Value> else {
      preconditionFailure("\(setting.name) is not among the declared settings")
    }
    return resolved.value
  }

  /// Keys under `development.` stay at their defaults outside development.
  private func checkDevelopmentKeys(
    _ settings: [any DeclaredSetting], _ chosen: [String: Assignment]
  ) throws(ConfigurationError) {
    let flag = Setting<Bool>.developmentEnabled.name
    let isEnabled = (values[flag] as? ResolvedValue<Bool>)?.value ?? false
    if isEnabled { return }
    for setting in settings where setting.name.hasPrefix("development.") && setting.name != flag {
      if let assignment = chosen[setting.name], assignment.text != setting.defaultText {
        throw ConfigurationError(
          .refused,
          "\(assignment.place): \(setting.name) is refused unless \(flag) = true")
      }
    }
  }

  private static func checkDeclarations(_ settings: [any DeclaredSetting]) {
    var names: Set<String> = ["CONFIGURATION"]
    for setting in settings {
      let name = environmentName(setting.name)
      precondition(names.insert(name).inserted, "\(setting.name) is declared twice")
      precondition(
        !ServiceName.allCases.contains { name.hasPrefix($0.rawValue.uppercased() + "_") },
        "\(setting.name) begins like a service's name")
    }
  }
}

/// One value for a key, and where it was written.
struct Assignment: Sendable {
  let key: String
  let text: String
  /// The place as errors name it: `kontor.conf:12`, `KONTOR_LISTEN_PORT`, `--listen.port`.
  let place: String
}

/// A key in the environment, without prefix: `listen.port` is `LISTEN_PORT`.
func environmentName(_ key: String) -> String {
  String(key.uppercased().map { $0 == "." ? "_" : $0 })
}
