package import SharedDomain

extension ServiceName {
  /// The port a service listens on when nothing is configured; consecutive, the gateway's first.
  package var defaultPort: Int {
    switch self {
    case .gateway: 8443
    case .identity: 8444
    case .organizations: 8445
    case .shop: 8446
    case .accounting: 8447
    }
  }
}

/// The operator's certificate, which no service has.
package enum OperatorCertificate {
  /// Its DNS name. Services answer it health and, where that is on, reflection; nothing else.
  package static let dnsName = "kontor-operator"
}

/// The version that `--version` prints (semantic versioning).
package enum ProductVersion {
  package static let current = "0.1.0"
}
