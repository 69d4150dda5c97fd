/// The services that the shop's internal RPCs are for, by the names in their certificates.
package enum Peers {
  /// Places the orders of sign-ups.
  package static let identity = "kontor-identity"
  /// Renews products that were paid for.
  package static let accounting = "kontor-accounting"
  /// Passes on what clients call.
  package static let gateway = "kontor-gateway"
}
