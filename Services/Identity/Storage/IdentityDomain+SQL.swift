package import IdentityDomain
package import SQLCore

extension Language: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(rawValue) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let code) = sqlValue else { return nil }
    self.init(rawValue: code)
  }
}

extension EmailAddress: SQLReadable {
  /// Reads the address's text; it was checked when it was stored, and is again.
  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue, let address = try? EmailAddress(text) else {
      return nil
    }
    self = address
  }
}
