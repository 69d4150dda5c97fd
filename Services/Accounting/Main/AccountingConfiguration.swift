internal import AccountingDomain
internal import AccountingService
internal import Bootstrap
internal import SharedDomain

/// The keys of accounting, beside the common ones.
enum AccountingConfiguration {
  static let sandboxEnabled = Setting<Bool>.flag(
    "sandbox.enabled", "offers the card provider that moves no money, never in production")
  static let sandboxSecret = Setting<Secret>.secretFile(
    "sandbox.secret", "key that signs the sandbox's events; made in data.folder where not given",
    minimumBytes: 16
  ).optional
  static let roundsTotals = Setting<Bool>.flag(
    "invoices.round_to_five", "rounds CHF totals to 0.05, with the difference on its own line",
    default: "true")
  static let supplierName = Setting<String>.text(
    "supplier.name", "who issues the invoices", default: "Kontor Hosting AG")
  static let supplierStreet = Setting<String>.text(
    "supplier.street", "street and number", default: "Musterstrasse 1")
  static let supplierPostalCode = Setting<String>.text(
    "supplier.postal_code", "postal code", default: "8000")
  static let supplierTown = Setting<String>.text("supplier.town", "town", default: "Zürich")
  static let supplierCountryCode = Setting<String>.text(
    "supplier.country_code", "ISO 3166-1 alpha-2", default: "CH")
  static let supplierVATNumber = Setting<String>.text(
    "supplier.vat_number", "VAT number", default: "CHE-123.456.788 MWST")

  /// Every key of the service.
  static var settings: [any DeclaredSetting] {
    CommonSettings.all(for: .accounting) + [
      sandboxEnabled, sandboxSecret, roundsTotals, supplierName, supplierStreet,
      supplierPostalCode, supplierTown, supplierCountryCode, supplierVATNumber,
    ]
  }

  /// Who issues the invoices.
  static func supplier(_ configuration: ServiceConfiguration) -> Supplier {
    Supplier(
      name: configuration[supplierName], street: configuration[supplierStreet],
      postalCode: configuration[supplierPostalCode], town: configuration[supplierTown],
      countryCode: configuration[supplierCountryCode],
      vatNumber: configuration[supplierVATNumber])
  }
}
