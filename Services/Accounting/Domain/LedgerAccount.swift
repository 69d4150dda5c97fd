package import SharedDomain

/// An account of an organization's books in one currency (ACC-1).
package enum LedgerAccount: Sendable, Hashable {
  /// What the customer deposited and may withdraw; a liability, never overdrawn.
  case prepaidDeposits
  /// What the customer was granted and may spend only; a liability, never overdrawn.
  case grantedCredit
  /// What the customer owes for open invoices.
  case receivable
  /// What a payment provider captured and has not paid out.
  case clearing(PaymentProvider)
  /// Money at the bank.
  case bank
  /// Sold and not supplied yet.
  case deferredRevenue
  /// Sold and supplied.
  case revenue
  /// Value added tax owed at one rate.
  case vat(TaxRate)
  /// Differences from rounding totals to 0.05 (ACC-9).
  case rounding

  /// The account's stable code, as stored and hashed: `prepaid.deposits`, `vat:810`.
  package var code: String {
    switch self {
    case .prepaidDeposits: "prepaid.deposits"
    case .grantedCredit: "prepaid.granted"
    case .receivable: "receivable"
    case .clearing(let provider): "clearing:\(provider.name)"
    case .bank: "bank"
    case .deferredRevenue: "revenue.deferred"
    case .revenue: "revenue"
    case .vat(let rate): "vat:\(rate.basisPoints)"
    case .rounding: "rounding"
    }
  }

  /// Reads a code; nil for anything else.
  package init?(code: String) {
    switch code {
    case "prepaid.deposits": self = .prepaidDeposits
    case "prepaid.granted": self = .grantedCredit
    case "receivable": self = .receivable
    case "bank": self = .bank
    case "revenue.deferred": self = .deferredRevenue
    case "revenue": self = .revenue
    case "rounding": self = .rounding
    default:
      let parts = code.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      switch parts[0] {
      case "clearing":
        guard let provider = PaymentProvider(name: String(parts[1])) else { return nil }
        self = .clearing(provider)
      case "vat":
        guard let points = Int64(parts[1]), let rate = TaxRate(basisPoints: points),
          String(points) == parts[1]
        else { return nil }
        self = .vat(rate)
      default: return nil
      }
    }
  }

  /// Whether the account is a part of the prepaid balance (ACC-2).
  package var isPrepaid: Bool { self == .prepaidDeposits || self == .grantedCredit }
}

/// A payment provider, by its configured name: 1 to 32 characters of `a-z`, `0-9` and `-`.
package struct PaymentProvider: Sendable, Hashable {
  package let name: String

  /// The provider, or nil when it cannot be a name.
  package init?(name: String) {
    guard (1...32).contains(name.utf8.count),
      name.utf8.allSatisfy({
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
      })
    else { return nil }
    self.name = name
  }

  private init(known name: String) { self.name = name }

  /// The provider that moves no money, for development and tests (ACC-2).
  package static let sandbox = PaymentProvider(known: "sandbox")
}
