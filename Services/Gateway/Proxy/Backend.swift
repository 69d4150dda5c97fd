/// A service behind the gateway.
package enum Backend: String, Sendable, Hashable, CaseIterable {
  case identity, organizations, shop, accounting
}
