internal import SharedDomain

/// The keys of one service, looked up in each of the sources.
struct KeyTable {
  let service: ServiceName
  let settings: [any DeclaredSetting]

  private static let prefix = "KONTOR_"
  private static let fileVariable = "CONFIGURATION"
  private static let fileFlag = "configuration"

  private func setting(_ key: String) -> (any DeclaredSetting)? {
    settings.first { $0.name == key }
  }

  private func unknown(_ place: String, _ name: String, nearest: String?) -> ConfigurationError {
    let hint = nearest.map { "; the nearest is \($0)" } ?? "; --help lists the keys"
    return ConfigurationError(
      .unknownKey, "\(place): \(service.executable) knows no \(name)\(hint)")
  }

  // MARK: - The file

  func assignments(file: ConfigurationFile, name: String) throws(ConfigurationError) -> [Assignment]
  {
    var assignments: [Assignment] = []
    for entry in file.entries {
      let place = "\(name):\(entry.line)"
      guard setting(entry.key) != nil else {
        let nearest = nearestName(to: entry.key, among: settings.map(\.name))
        throw unknown(place, "key \(entry.key)", nearest: nearest)
      }
      assignments.append(Assignment(key: entry.key, text: entry.value, place: place))
    }
    return assignments
  }

  // MARK: - The environment

  /// The assignments, those for every service before those for this one, and the file's path.
  func assignments(environment: [(name: String, value: String)]) throws(ConfigurationError) -> (
    assignments: [Assignment], file: String?
  ) {
    var shared: [Assignment] = []
    var own: [Assignment] = []
    var sharedFile: String?
    var ownFile: String?
    let ownPrefix = service.rawValue.uppercased() + "_"
    for (variable, value) in environment where variable.hasPrefix(Self.prefix) {
      var name = String(variable.dropFirst(Self.prefix.count))
      let isOwn = name.hasPrefix(ownPrefix)
      if isOwn {
        name = String(name.dropFirst(ownPrefix.count))
      } else if isAnotherService(name) {
        continue
      }
      if name == Self.fileVariable {
        if isOwn { ownFile = value } else { sharedFile = value }
        continue
      }
      guard let setting = settings.first(where: { environmentName($0.name) == name }) else {
        let known = settings.map { environmentName($0.name) } + [Self.fileVariable]
        let nearest = nearestName(to: name, among: known).map {
          Self.prefix + (isOwn ? ownPrefix : "") + $0
        }
        throw unknown("environment", quoted(variable, limit: 80), nearest: nearest)
      }
      let assignment = Assignment(key: setting.name, text: value, place: variable)
      if isOwn { own.append(assignment) } else { shared.append(assignment) }
    }
    return (shared + own, ownFile ?? sharedFile)
  }

  private func isAnotherService(_ name: String) -> Bool {
    ServiceName.allCases.contains {
      $0 != service && name.hasPrefix($0.rawValue.uppercased() + "_")
    }
  }

  // MARK: - Flags

  /// What the arguments ask for.
  struct Arguments {
    var assignments: [Assignment] = []
    var file: String?
    var isHelpRequested = false
    var isVersionRequested = false
  }

  func assignments(arguments: [String]) throws(ConfigurationError) -> Arguments {
    var result = Arguments()
    var seen: Set<String> = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--"), argument.utf8.count > 2 else {
        throw ConfigurationError(
          .unknownKey,
          "argument \(quoted(argument)): only `--key value` and `--key=value` are known")
      }
      var name = String(argument.dropFirst(2))
      var value: String?
      if let equals = name.firstIndex(of: "=") {
        value = String(name[name.index(after: equals)...])
        name = String(name[..<equals])
      }
      switch (name, value) {
      case ("help", nil):
        result.isHelpRequested = true
        continue
      case ("version", nil):
        result.isVersionRequested = true
        continue
      default: break
      }
      let setting = setting(name)
      guard setting != nil || name == Self.fileFlag else {
        let nearest = nearestName(
          to: name, among: settings.map(\.name) + [Self.fileFlag, "help", "version"])
        throw unknown(
          "arguments", "flag \(quoted("--\(name)", limit: 80))", nearest: nearest.map { "--\($0)" })
      }
      guard seen.insert(name).inserted else {
        throw ConfigurationError(.syntax, "flag --\(name) stands twice")
      }
      if value == nil {
        if let next = rest.first, !next.hasPrefix("--") {
          value = next
          rest.removeFirst()
        } else if setting?.isSwitch == true {
          value = "true"
        }
      }
      guard let value else {
        throw ConfigurationError(.missingValue, "flag --\(name) needs a value")
      }
      if setting == nil {
        result.file = value
      } else {
        result.assignments.append(Assignment(key: name, text: value, place: "--\(name)"))
      }
    }
    return result
  }

  // MARK: - Values

  func value(of setting: any DeclaredSetting, from assignment: Assignment?)
    throws(ConfigurationError)
    -> any Sendable
  {
    let text = assignment?.text ?? setting.defaultText
    do throws(MalformedValue) {
      if let value = try setting.resolved(text) { return value }
    } catch {
      let place = assignment.map(\.place) ?? "default"
      let value = error.hidesValue ? "" : " = \(quoted(text ?? ""))"
      throw ConfigurationError(
        .invalidValue, "\(place): \(setting.name)\(value) \(error.reason)")
    }
    throw ConfigurationError(
      .missingValue,
      "\(setting.name) is not set: give it in the configuration file, as \(Self.prefix)"
        + "\(environmentName(setting.name)) or as --\(setting.name)")
  }

  // MARK: - Help

  var help: String {
    var text = """
      \(service.executable) \(ProductVersion.current)

      Keys are set, from the weakest to the strongest, in a file of `key = value` lines
      (--\(Self.fileFlag) FILE, or \(Self.prefix)\(Self.fileVariable)), in the environment (\(Self.prefix)<KEY> or
      \(Self.prefix)\(service.rawValue.uppercased())_<KEY>, upper case, dots as underscores) and by flags (--key value).
      --help prints this, --version the version.

      """
    for setting in settings.sorted(by: { $0.name < $1.name }) {
      let value: String
      if let defaultText = setting.defaultText {
        value = "default \(defaultText.isEmpty ? "empty" : defaultText)"
      } else {
        value = setting.isOptional ? "optional" : "must be set"
      }
      text += "\n\(setting.name)\n    \(setting.summary) (\(setting.form); \(value))\n"
    }
    return text
  }
}
