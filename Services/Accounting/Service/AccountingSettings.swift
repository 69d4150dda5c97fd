package import AccountingDomain

/// What an installation configures.
package struct AccountingSettings: Sendable {
  /// Who issues the invoices.
  package var supplier: Supplier
  /// The key of each configured payment provider, which signs its events (HMAC-SHA-256).
  package var providerKeys: [PaymentProvider: [UInt8]]
  /// Whether the sandbox provider is offered for top-ups and can be told to pay (ACC-2).
  package var isSandboxEnabled: Bool
  /// Whether CHF totals are rounded to 0.05 (ACC-9).
  package var roundsTotals: Bool
  /// Keys the hashes of requests that the idempotency store keeps.
  package var requestHashKey: [UInt8]

  package init(
    supplier: Supplier, providerKeys: [PaymentProvider: [UInt8]], isSandboxEnabled: Bool,
    roundsTotals: Bool, requestHashKey: [UInt8]
  ) {
    self.supplier = supplier
    self.providerKeys = providerKeys
    self.isSandboxEnabled = isSandboxEnabled
    self.roundsTotals = roundsTotals
    self.requestHashKey = requestHashKey
  }

  /// The provider that takes payments by a method; nil where none is configured.
  func provider(for method: TopUpMethod) -> PaymentProvider? {
    switch method {
    case .card: isSandboxEnabled && providerKeys[.sandbox] != nil ? .sandbox : nil
    }
  }
}
