/// An id of one kind of thing, so that two kinds cannot be confused.
package struct Identifier<Subject>: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let value: UniqueID

  package init(_ value: UniqueID) {
    self.value = value
  }

  /// Reads the canonical UUID text; nil for anything else.
  package init?(_ text: String) {
    guard let value = UniqueID(text) else { return nil }
    self.value = value
  }

  /// The canonical UUID text.
  package var text: String { value.text }
  package var description: String { value.text }

  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// What an ``Identifier`` can point at; uninhabited, for the type system only.
package enum IdentifierSubject {
  package enum User {}
  package enum Session {}
  package enum SignUp {}
  package enum Organization {}
  package enum Order {}
  package enum Product {}
  package enum Invoice {}
  package enum TopUp {}
  package enum Payment {}
  package enum PaymentQuote {}
  package enum LedgerEntry {}
}

package typealias UserID = Identifier<IdentifierSubject.User>
package typealias SessionID = Identifier<IdentifierSubject.Session>
package typealias SignUpID = Identifier<IdentifierSubject.SignUp>
package typealias OrganizationID = Identifier<IdentifierSubject.Organization>
package typealias OrderID = Identifier<IdentifierSubject.Order>
package typealias ProductID = Identifier<IdentifierSubject.Product>
package typealias InvoiceID = Identifier<IdentifierSubject.Invoice>
package typealias TopUpID = Identifier<IdentifierSubject.TopUp>
package typealias PaymentID = Identifier<IdentifierSubject.Payment>
package typealias PaymentQuoteID = Identifier<IdentifierSubject.PaymentQuote>
package typealias LedgerEntryID = Identifier<IdentifierSubject.LedgerEntry>
