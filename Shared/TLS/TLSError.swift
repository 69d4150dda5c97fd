/// Why credentials do not load or a connection's TLS fails; the description is one clear line.
package struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is.
  package enum Code: Sendable, Hashable {
    /// A file is missing, unreadable or holds no PEM of the expected kind.
    case file
    /// The private key belongs to another certificate.
    case keyMismatch
    /// The own certificate has expired or is not valid yet.
    case validity
    /// The peer's certificate was not accepted, by chain, name or date.
    case untrustedPeer
    /// The peer broke the protocol, sent an alert, or shares no version, cipher or ALPN with us.
    case protocolFailure
    /// The library failed, for example for want of memory.
    case library
  }

  package let code: Code
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
