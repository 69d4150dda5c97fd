package import SharedDomain

/// The company that issues invoices (ACC-8).
package struct Supplier: Sendable, Hashable {
  package let name: String
  /// Street and number.
  package let street: String
  package let postalCode: String
  package let town: String
  /// ISO 3166-1 alpha-2.
  package let countryCode: String
  /// Such as `CHE-123.456.788 MWST`.
  package let vatNumber: String

  package init(
    name: String, street: String, postalCode: String, town: String, countryCode: String,
    vatNumber: String
  ) {
    self.name = name
    self.street = street
    self.postalCode = postalCode
    self.town = town
    self.countryCode = countryCode
    self.vatNumber = vatNumber
  }
}

/// A line of an invoice or of a quote, with its supply period `[periodStart, periodEnd)` (ACC-8).
package struct InvoiceLine: Sendable, Hashable {
  package let description: String
  package let productID: ProductID?
  package let periodStart: CalendarDate
  /// The day after the last.
  package let periodEnd: CalendarDate
  package let net: Money
  package let tax: Money
  package let rate: TaxRate

  package init(
    description: String, productID: ProductID?, periodStart: CalendarDate,
    periodEnd: CalendarDate, net: Money, tax: Money, rate: TaxRate
  ) {
    self.description = description
    self.productID = productID
    self.periodStart = periodStart
    self.periodEnd = periodEnd
    self.net = net
    self.tax = tax
    self.rate = rate
  }

  /// The line's price for ``PriceTotals``.
  package var price: PricedLine { PricedLine(net: net, tax: tax, rate: rate) }
}

/// A number within a series of one year: `2026-000001` (ACC-8).
package struct InvoiceNumber: Sendable, Hashable {
  /// The series: the year of the issue date.
  package let year: Int
  /// Counts from 1 without gaps.
  package let value: Int64

  package init(year: Int, value: Int64) {
    self.year = year
    self.value = value
  }

  /// The series' name.
  package var series: String { String(year) }

  /// The series and the number, padded to six digits.
  package var text: String {
    let digits = String(value)
    return "\(year)-" + String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits
  }
}

/// Where an invoice stands.
package enum InvoiceState: String, Sendable, Hashable, CaseIterable {
  case open = "OPEN"
  case paid = "PAID"
}

/// What an invoice was made for; each makes one.
package enum InvoiceCause: Sendable, Hashable {
  case order(OrderID)
  case payment(PaymentID)
}

/// An invoice before it has a number (ACC-8).
package struct InvoiceDraft: Sendable, Hashable {
  package let organizationID: OrganizationID
  package let recipient: Party
  package let lines: [InvoiceLine]
  package let totals: PriceTotals
  package let cause: InvoiceCause

  package init(
    organizationID: OrganizationID, recipient: Party, lines: [InvoiceLine], totals: PriceTotals,
    cause: InvoiceCause
  ) {
    self.organizationID = organizationID
    self.recipient = recipient
    self.lines = lines
    self.totals = totals
    self.cause = cause
  }

  /// The finished invoice, paid already: the number freezes it.
  package func issuedPaid(
    id: InvoiceID, number: InvoiceNumber, on date: CalendarDate, by supplier: Supplier
  ) -> Invoice {
    Invoice(
      id: id, organizationID: organizationID, number: number, state: .paid, issueDate: date,
      dueDate: date, supplier: supplier, recipient: recipient, lines: lines, totals: totals,
      orderID: cause.orderID, paymentID: cause.paymentID)
  }
}

extension InvoiceCause {
  package var orderID: OrderID? {
    if case .order(let id) = self { id } else { nil }
  }
  package var paymentID: PaymentID? {
    if case .payment(let id) = self { id } else { nil }
  }
}

/// A finished invoice; frozen but for becoming paid (ACC-8).
package struct Invoice: Sendable, Hashable {
  package let id: InvoiceID
  package let organizationID: OrganizationID
  package let number: InvoiceNumber
  package let state: InvoiceState
  package let issueDate: CalendarDate
  package let dueDate: CalendarDate
  package let supplier: Supplier
  package let recipient: Party
  package let lines: [InvoiceLine]
  package let totals: PriceTotals
  package let orderID: OrderID?
  package let paymentID: PaymentID?

  package init(
    id: InvoiceID, organizationID: OrganizationID, number: InvoiceNumber, state: InvoiceState,
    issueDate: CalendarDate, dueDate: CalendarDate, supplier: Supplier, recipient: Party,
    lines: [InvoiceLine], totals: PriceTotals, orderID: OrderID?, paymentID: PaymentID?
  ) {
    self.id = id
    self.organizationID = organizationID
    self.number = number
    self.state = state
    self.issueDate = issueDate
    self.dueDate = dueDate
    self.supplier = supplier
    self.recipient = recipient
    self.lines = lines
    self.totals = totals
    self.orderID = orderID
    self.paymentID = paymentID
  }
}
