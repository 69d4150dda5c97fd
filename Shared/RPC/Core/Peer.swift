/// Who is at the other end of the connection.
package struct Peer: Sendable {
  /// One object, as every call of the connection refers to it.
  private final class Identity: Sendable {
    let remoteAddress: String
    let certificateNames: [String]

    init(remoteAddress: String, certificateNames: [String]) {
      self.remoteAddress = remoteAddress
      self.certificateNames = certificateNames
    }
  }

  private let identity: Identity
  /// The address, for example `127.0.0.1:51234`; empty for calls inside the process.
  package var remoteAddress: String { identity.remoteAddress }
  /// The DNS names in the verified client certificate; empty without mutual TLS.
  package var certificateNames: [String] { identity.certificateNames }

  package init(remoteAddress: String = "", certificateNames: [String] = []) {
    identity = Identity(remoteAddress: remoteAddress, certificateNames: certificateNames)
  }
}

extension Peer {
  /// True when the other one is a copy of this; false says nothing.
  func isSame(as other: Self) -> Bool { identity === other.identity }
}

extension Peer: Hashable {
  package static func == (left: Self, right: Self) -> Bool {
    left.remoteAddress == right.remoteAddress && left.certificateNames == right.certificateNames
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(remoteAddress)
    hasher.combine(certificateNames)
  }
}
