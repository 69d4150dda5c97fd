package import RPCTransport

extension Setting where Value == ChannelTarget {
  /// A name or address with its port, or several.
  package static func channelTarget(
    _ name: String, _ summary: String, default defaultText: String? = nil
  ) -> Setting<ChannelTarget> {
    Setting(name, summary, form: "host:port,…", default: defaultText) {
      text throws(MalformedValue) in
      do throws(ChannelTarget.Malformed) {
        return try ChannelTarget(text)
      } catch {
        throw MalformedValue(
          "is no host:port, such as 127.0.0.1:8443 or [::1]:8443, nor several with commas between")
      }
    }
  }
}
