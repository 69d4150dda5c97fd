package import Bootstrap
package import SharedDomain

/// How a stack on one machine is configured.
package struct StackConfiguration: Sendable {
  package let folder: StackFolder
  package let ports: StackPorts
  /// Least level that the services log.
  package var logLevel = "info"
  /// Moves the services' clocks; nil for the true time.
  package var clockOffset: String?
  /// The PostgreSQL server with the services' data; nil for files. Each service has a database of
  /// its own there, `kontor_identity` and so on, or `<name>_identity` where the URL names one.
  package var database: DatabaseURL?

  package init(folder: StackFolder, ports: StackPorts) {
    self.folder = folder
    self.ports = ports
  }

  /// The database of a service on a server that `database` names.
  package static func database(of service: ServiceName, on server: DatabaseURL) -> String {
    let prefix = server.database.isEmpty ? "kontor" : server.database
    return server.with(database: "\(prefix)_\(service.rawValue)")
  }

  /// The configuration file of a service.
  func file(_ service: ServiceName) -> String { folder.configuration(of: service.rawValue) }

  /// Writes the configuration files of all services.
  func write() throws(OperatorError) {
    for service in ServiceName.allCases {
      var lines = ["# Written by kontor up; changes are lost at the next start."]
      lines += settings(of: service).map { "\($0.key) = \($0.value)" }
      try PrivateFile.write(lines.joined(separator: "\n") + "\n", to: file(service))
    }
  }

  private func settings(of service: ServiceName) -> [(key: String, value: String)] {
    var settings = [
      ("listen.host", "127.0.0.1"), ("listen.port", "\(ports[service])"),
      ("tls.certificate", folder.certificate(service.executable)),
      ("tls.key", folder.privateKey(service.executable)), ("tls.authority", folder.authority),
      ("data.folder", "\(folder.path)/\(service.rawValue)"), ("log.level", logLevel),
      ("lifeline", "true"), ("development.enabled", "true"), ("reflection.enabled", "true"),
    ]
    if let clockOffset { settings.append(("development.clock_offset", clockOffset)) }
    if let database, service != .gateway {
      settings.append(("database", StackConfiguration.database(of: service, on: database)))
    }
    for peer in ServiceName.allCases where peer != .gateway {
      settings.append(("peers.\(peer.rawValue)", "127.0.0.1:\(ports[peer])"))
    }
    switch service {
    case .identity: settings.append(("mail.folder", folder.mails))
    case .accounting: settings.append(("sandbox.enabled", "true"))
    case .organizations, .shop, .gateway: break
    }
    return settings
  }
}
