package import RPCCore

extension Setting where Value == HostPort {
  /// A host and a port.
  package static func hostPort(
    _ name: String, _ summary: String, default defaultText: String? = nil
  ) -> Setting<HostPort> {
    Setting(name, summary, form: "host:port", default: defaultText) { text throws(MalformedValue) in
      guard let value = HostPort(text) else {
        throw MalformedValue("is no host:port, such as 127.0.0.1:8443 or [::1]:8443")
      }
      return value
    }
  }
}
