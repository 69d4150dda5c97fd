/// A host (name, IPv4 or IPv6 address) and a port.
package struct HostPort: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address; an IPv6 address without brackets.
  package let host: String
  /// 1 to 65535.
  package let port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `name:8443`, `127.0.0.1:8443` or `[::1]:8443`; nil for anything else.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard (1...5).contains(digits.utf8.count),
      digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = Int(digits), (1...65_535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":"),
        host.allSatisfy({ $0 == ":" || $0 == "." || ($0.isASCII && $0.isHexDigit) })
      else { return nil }
    } else {
      guard !host.isEmpty, host.utf8.count <= 253,
        host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) })
      else { return nil }
    }
    self.init(host: String(host), port: port)
  }

  package var description: String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
