package import AccountingDomain
package import SQLCore
package import SharedDomain

/// An enumeration that is stored by its name.
package protocol StoredByName: SQLConvertible, SQLReadable, RawRepresentable
where RawValue == String {}

extension StoredByName {
  package var sqlValue: SQLValue { .text(rawValue) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let name) = sqlValue else { return nil }
    self.init(rawValue: name)
  }
}

extension EntryKind: StoredByName {}
extension TopUpMethod: StoredByName {}
extension TopUpState: StoredByName {}
extension ProviderEventKind: StoredByName {}
extension InvoiceState: StoredByName {}
extension PaymentState: StoredByName {}

extension PaymentProvider: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(name) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let name) = sqlValue else { return nil }
    self.init(name: name)
  }
}

extension TaxRate: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .integer(basisPoints) }

  package init?(sqlValue: SQLValue) {
    guard case .integer(let basisPoints) = sqlValue else { return nil }
    self.init(basisPoints: basisPoints)
  }
}
