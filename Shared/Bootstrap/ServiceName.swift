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

/// The version that `--version` prints (semantic versioning).
package enum ProductVersion {
  package static let current = "0.1.0"
}
