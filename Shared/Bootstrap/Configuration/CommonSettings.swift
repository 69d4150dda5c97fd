package import RPCTransport
package import SharedDomain

/// The keys that every service has; a main adds its own.
package enum CommonSettings {
  /// The common keys of a service, with its defaults.
  package static func all(for service: ServiceName) -> [any DeclaredSetting] {
    [
      Setting<String>.listenHost,
      Setting<Int>.listenPort.withDefault(String(service.defaultPort)),
      Setting<String>.certificate, Setting<String>.privateKey, Setting<String>.authority,
      Setting<String>.dataFolder.withDefault("data/\(service.rawValue)"),
      Setting<DatabaseURL?>.database, Setting<Int>.databaseConnections,
      Setting<String>.logLevel, Setting<Duration>.drainGrace, Setting<String>.timezone,
      Setting<Int>.callsPerUser, Setting<Int>.callsPerPeer, Setting<Int>.threads,
      Setting<Bool>.lifeline,
      Setting<ChannelTarget>.identityPeer, Setting<ChannelTarget>.organizationsPeer,
      Setting<ChannelTarget>.shopPeer, Setting<ChannelTarget>.accountingPeer,
      Setting<String?>.peersServiceConfig,
      Setting<Bool>.reflectionEnabled, Setting<Bool>.developmentEnabled,
      Setting<Duration>.clockOffset,
    ]
  }
}

extension Setting where Value == String {
  /// `listen.host`
  package static var listenHost: Setting {
    .text("listen.host", "address that the service listens on", default: "127.0.0.1")
  }
  /// `tls.certificate`
  package static var certificate: Setting {
    .path("tls.certificate", "certificate chain of the service, PEM, its own certificate first")
  }
  /// `tls.key`
  package static var privateKey: Setting {
    .path("tls.key", "private key of the certificate, PEM")
  }
  /// `tls.authority`
  package static var authority: Setting {
    .path("tls.authority", "certificates of the authority that signs the services' peers, PEM")
  }
  /// `data.folder`
  package static var dataFolder: Setting {
    .path("data.folder", "folder of the service's database")
  }
  /// `log.level`
  package static var logLevel: Setting {
    let names = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
    return Setting(
      "log.level", "least level that is logged", form: names.joined(separator: ", "),
      default: "info"
    ) { text throws(MalformedValue) in
      guard names.contains(text) else {
        throw MalformedValue("is none of \(names.joined(separator: ", "))")
      }
      return text
    }
  }
  /// `timezone`
  package static var timezone: Setting {
    .text(
      "timezone", "time zone of calendar dates, as in the tz database", default: "Europe/Zurich")
  }
}

extension Setting where Value == String? {
  /// `peers.service_config`
  package static var peersServiceConfig: Setting {
    Setting<String>.path(
      "peers.service_config",
      "gRPC service config, JSON, for calls of other services; instead of the built-in one"
    ).optional
  }
}

extension Setting where Value == Int {
  /// `listen.port`
  package static var listenPort: Setting {
    .number("listen.port", "port that the service listens on; 0 is any free one", in: 0...65_535)
  }
  /// `limits.calls_per_user`
  package static var callsPerUser: Setting {
    .number(
      "limits.calls_per_user", "calls under way of one signed-in user", in: 1...1_000_000,
      default: "100")
  }
  /// `limits.calls_per_peer`
  package static var callsPerPeer: Setting {
    .number(
      "limits.calls_per_peer", "calls under way of one peer, none of them signed in",
      in: 1...1_000_000, default: "16384")
  }
  /// `threads`
  package static var threads: Setting {
    .number("threads", "event loops; 0 is one a processor", in: 0...256, default: "0")
  }
}

extension Setting where Value == Duration {
  /// `drain.grace`
  package static var drainGrace: Setting {
    .duration(
      "drain.grace", "time for calls under way to finish when the service is stopped",
      in: .zero...(.seconds(3600)), default: "10s")
  }
  /// `development.clock_offset`
  package static var clockOffset: Setting {
    Setting(
      "development.clock_offset", "moves the service's clock, for tests",
      form: "seconds or duration, negative for the past", default: "0"
    ) { text throws(MalformedValue) in
      let most = Duration.seconds(100 * 366 * 86_400)
      let seconds = Int32(text).map { Duration.seconds(Int64($0)) }
      guard let offset = seconds ?? parseDuration(text), (Duration.zero - most...most) ~= offset
      else { throw MalformedValue("is no offset of up to 100 years: write 3600, 30d or -12h") }
      return offset
    }
  }
}

extension Setting where Value == Bool {
  /// `lifeline`
  package static var lifeline: Setting {
    .flag("lifeline", "stop when standard input closes, that is, when the parent process dies")
  }
  /// `reflection.enabled`
  package static var reflectionEnabled: Setting {
    .flag(
      "reflection.enabled",
      "tells callers which RPCs there are; behind TLS client certificates the operator only")
  }
  /// `development.enabled`
  package static var developmentEnabled: Setting {
    .flag("development.enabled", "allows the keys under development., never in production")
  }
}

extension Setting where Value == ChannelTarget {
  /// `peers.identity`
  package static var identityPeer: Setting<ChannelTarget> { peer(.identity) }
  /// `peers.organizations`
  package static var organizationsPeer: Setting<ChannelTarget> { peer(.organizations) }
  /// `peers.shop`
  package static var shopPeer: Setting<ChannelTarget> { peer(.shop) }
  /// `peers.accounting`
  package static var accountingPeer: Setting<ChannelTarget> { peer(.accounting) }

  private static func peer(_ service: ServiceName) -> Setting {
    .channelTarget(
      "peers.\(service.rawValue)", "where \(service.executable) listens, or each of its replicas",
      default: "127.0.0.1:\(service.defaultPort)")
  }
}
