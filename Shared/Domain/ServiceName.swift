/// The five services: what their executables, certificates, keys of configuration and log lines
/// are named after.
package enum ServiceName: String, Sendable, Hashable, CaseIterable {
  case identity, organizations, shop, accounting, gateway

  /// The executable's name, which is the DNS name in the service's certificate too: `kontor-shop`.
  package var executable: String { "kontor-\(rawValue)" }

  /// The service as the scope of its request ids and in the audit log: `service:kontor-shop`.
  package var actor: String { "service:\(executable)" }
}
