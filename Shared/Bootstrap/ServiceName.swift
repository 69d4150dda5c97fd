/// The five services: what their executables, certificates, keys of configuration and log lines
/// are named after.
package enum ServiceName: String, Sendable, Hashable, CaseIterable {
  case identity, organizations, shop, accounting, gateway

  /// The executable's name, which is the DNS name in the service's certificate too: `kontor-shop`.
  package var executable: String { "kontor-\(rawValue)" }

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
