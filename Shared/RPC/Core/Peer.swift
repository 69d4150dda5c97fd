/// Who is at the other end of the connection.
package struct Peer: Sendable, Hashable {
  /// The address, for example `127.0.0.1:51234`; empty for calls inside the process.
  package let remoteAddress: String
  /// The DNS names in the verified client certificate; empty without mutual TLS.
  package let certificateNames: [String]

  package init(remoteAddress: String = "", certificateNames: [String] = []) {
    self.remoteAddress = remoteAddress
    self.certificateNames = certificateNames
  }
}
