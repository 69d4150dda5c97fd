internal import NIOCore
package import RPCCore

/// What a channel connects to: one name, or a list of names and addresses (gRPC "Name Resolution").
///
/// Written `dns:host:port`, `ipv4:address:port,…`, `ipv6:[address]:port,…`, or without a scheme as
/// a static list `host:port,…` of names and addresses.
package struct ChannelTarget: Sendable, Hashable, CustomStringConvertible {
  /// Most hosts of a list.
  package static let maximumHosts = 64

  /// At least one, in their order. A name stands for every address that it resolves to.
  package let hosts: [HostPort]
  package let description: String

  /// A target of one host.
  package init(_ host: HostPort) {
    hosts = [host]
    description = host.description
  }

  /// A static list.
  ///
  /// - Precondition: there is a host.
  package init(_ hosts: [HostPort]) {
    precondition(!hosts.isEmpty, "a target has a host")
    self.hosts = hosts
    description = hosts.map(\.description).joined(separator: ",")
  }

  /// Reads a target in its written form.
  ///
  /// - Throws: ``Malformed`` saying what was expected.
  package init(_ text: String) throws(Malformed) {
    let list: Substring
    let check: @Sendable (HostPort) -> Bool
    let form: String
    if let rest = Self.rest(text, after: "ipv4:") {
      list = rest
      form = "ipv4:address:port, such as ipv4:192.0.2.1:8443"
      check = { $0.isAddress && !$0.host.contains(":") }
    } else if let rest = Self.rest(text, after: "ipv6:") {
      list = rest
      form = "ipv6:[address]:port, such as ipv6:[2001:db8::1]:8443"
      check = { $0.isAddress && $0.host.contains(":") }
    } else if let rest = Self.rest(text, after: "dns:") {
      // `dns://authority/name` asks a name server of one's own, which nothing here can.
      list = Self.rest(String(rest), after: "///") ?? rest
      form = "dns:host:port, one host and no name server"
      check = { _ in !list.contains(",") }
    } else {
      list = text[...]
      form = "host:port or several, separated by commas"
      check = { _ in true }
    }
    var hosts: [HostPort] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      guard hosts.count < Self.maximumHosts, let host = HostPort(String(part)), check(host) else {
        throw Malformed(target: text, expected: form)
      }
      hosts.append(host)
    }
    self.hosts = hosts
    description = text
  }

  private static func rest(_ text: String, after prefix: String) -> Substring? {
    text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : nil
  }

  /// A target that cannot be read.
  package struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
    let target: String
    let expected: String

    package var description: String { "target \(target) is malformed, expected \(expected)" }
  }
}

extension HostPort {
  /// True when the host is an IP address, not a name.
  var isAddress: Bool { (try? SocketAddress(ipAddress: host, port: port)) != nil }
}
