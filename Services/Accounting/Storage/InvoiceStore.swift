package import AccountingDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// Invoices, their numbers and whom they are made out to (ACC-8).
package enum InvoiceStore {
  /// The next number of the year's series, from its locked row: gapless, because it is given back
  /// when the transaction rolls back.
  package static func nextNumber(
    year: Int, in transaction: any Transaction
  ) throws -> InvoiceNumber {
    let row = try transaction.first(
      """
      INSERT INTO invoice_series (series, last_number) VALUES (\(year), 1)
      ON CONFLICT (series) DO UPDATE SET last_number = invoice_series.last_number + 1
      RETURNING last_number
      """)
    guard let row else { throw SQLError(.unexpectedValue, "no number from invoice_series") }
    return InvoiceNumber(year: year, value: try row.int64("last_number"))
  }

  package static func insert(
    _ invoice: Invoice, at now: Instant, in transaction: any Transaction
  ) throws {
    let supplier = invoice.supplier
    let totals = invoice.totals
    try transaction.execute(
      """
      INSERT INTO invoice
        (invoice_id, organization_id, series, number, state, issue_date, due_date, supplier_name,
          supplier_street, supplier_postal_code, supplier_town, supplier_country_code,
          supplier_vat_number, \(PartyColumns.names), currency, net_minor, tax_minor,
          rounding_minor, total_minor, order_id, payment_id, issued_at_us)
      VALUES (\(invoice.id), \(invoice.organizationID), \(invoice.number.year),
        \(invoice.number.value), \(invoice.state), \(invoice.issueDate), \(invoice.dueDate),
        \(supplier.name), \(supplier.street), \(supplier.postalCode), \(supplier.town),
        \(supplier.countryCode), \(supplier.vatNumber), \(PartyColumns.values(invoice.recipient)),
        \(totals.total.currency), \(totals.net.minorUnits), \(totals.tax.minorUnits),
        \(totals.rounding.minorUnits), \(totals.total.minorUnits), \(invoice.orderID),
        \(invoice.paymentID), \(now))
      """)
    for (index, line) in invoice.lines.enumerated() {
      try transaction.execute(
        """
        INSERT INTO invoice_line
          (invoice_id, line, description, product_id, period_start, period_end, net_minor,
            tax_minor, rate_basis_points)
        VALUES (\(invoice.id), \(index), \(line.description), \(line.productID),
          \(line.periodStart), \(line.periodEnd), \(line.net.minorUnits), \(line.tax.minorUnits),
          \(line.rate))
        """)
    }
  }

  /// An invoice of the organization; nil when it has no such one.
  package static func find(
    _ id: InvoiceID, of organizationID: OrganizationID, in transaction: any Transaction
  ) throws -> Invoice? {
    try transaction.first(
      """
      SELECT \(columns) FROM invoice
      WHERE invoice_id = \(id) AND organization_id = \(organizationID)
      """
    ).map { try invoice($0, in: transaction) }
  }

  /// Newest first: at most `limit` before the given number.
  package static func list(
    of organizationID: OrganizationID, state: InvoiceState?, before number: InvoiceNumber?,
    limit: Int, in transaction: any Transaction
  ) throws -> [Invoice] {
    var conditions: [SQL] = ["organization_id = \(organizationID)"]
    if let state { conditions.append("state = \(state)") }
    if let number { conditions.append("(series, number) < (\(number.year), \(number.value))") }
    return try transaction.rows(
      """
      SELECT \(columns) FROM invoice WHERE \(SQL.joined(conditions, " AND "))
      ORDER BY series DESC, number DESC LIMIT \(limit)
      """
    ).map { try invoice($0, in: transaction) }
  }

  /// Open invoices, soonest due first: due before `end` where it is given, at most `limit`.
  package static func open(
    of organizationID: OrganizationID, dueBefore end: CalendarDate?, limit: Int,
    in transaction: any Transaction
  ) throws -> [Invoice] {
    let due: SQL = if let end { "AND due_date < \(end)" } else { "" }
    return try transaction.rows(
      """
      SELECT \(columns) FROM invoice
      WHERE organization_id = \(organizationID) AND state = 'OPEN' \(due)
      ORDER BY due_date, invoice_id LIMIT \(limit)
      """
    ).map { try invoice($0, in: transaction) }
  }

  /// Keeps the recipient for later invoices of the organization.
  package static func setBillingParty(
    _ party: Party, of organizationID: OrganizationID, at now: Instant,
    in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      INSERT INTO billing_party (organization_id, \(PartyColumns.names), updated_at_us)
      VALUES (\(organizationID), \(PartyColumns.values(party)), \(now))
      ON CONFLICT (organization_id)
      DO UPDATE SET \(PartyColumns.assignments), updated_at_us = excluded.updated_at_us
      """)
  }

  /// Whom the organization's invoices are made out to; nil before its first order.
  package static func billingParty(
    of organizationID: OrganizationID, in transaction: any Transaction
  ) throws -> Party? {
    try transaction.first(
      """
      SELECT \(PartyColumns.names) FROM billing_party
      WHERE organization_id = \(organizationID)
      """
    ).map(PartyColumns.party)
  }

  private static let columns: SQL = """
    invoice_id, organization_id, series, number, state, issue_date, due_date, supplier_name,
    supplier_street, supplier_postal_code, supplier_town, supplier_country_code,
    supplier_vat_number, \(PartyColumns.names), currency, rounding_minor, total_minor, order_id,
    payment_id
    """

  private static func invoice(_ row: Row, in transaction: any Transaction) throws -> Invoice {
    let id: InvoiceID = try row.read("invoice_id")
    let currency: Currency = try row.read("currency")
    let lines = try transaction.rows(
      """
      SELECT description, product_id, period_start, period_end, net_minor, tax_minor,
        rate_basis_points
      FROM invoice_line WHERE invoice_id = \(id) ORDER BY line
      """
    ).map { try InvoiceLineColumns.line($0, currency) }
    let totals = try PriceTotals(
      lines: lines.map(\.price), currency: currency,
      roundsToFive: try row.int64("rounding_minor") != 0)
    guard try row.int64("total_minor") == totals.total.minorUnits else {
      throw SQLError(.unexpectedValue, "an invoice's lines do not sum to its total")
    }
    return Invoice(
      id: id, organizationID: try row.read("organization_id"),
      number: InvoiceNumber(year: try row.int("series"), value: try row.int64("number")),
      state: try row.read("state"), issueDate: try row.read("issue_date"),
      dueDate: try row.read("due_date"),
      supplier: Supplier(
        name: try row.text("supplier_name"), street: try row.text("supplier_street"),
        postalCode: try row.text("supplier_postal_code"), town: try row.text("supplier_town"),
        countryCode: try row.text("supplier_country_code"),
        vatNumber: try row.text("supplier_vat_number")),
      recipient: try PartyColumns.party(row), lines: lines, totals: totals,
      orderID: try row.readOptional("order_id"), paymentID: try row.readOptional("payment_id"))
  }
}

/// The columns of a line, in invoices and in quotes.
enum InvoiceLineColumns {
  static func line(_ row: Row, _ currency: Currency) throws -> InvoiceLine {
    InvoiceLine(
      description: try row.text("description"), productID: try row.readOptional("product_id"),
      periodStart: try row.read("period_start"), periodEnd: try row.read("period_end"),
      net: Money(minorUnits: try row.int64("net_minor"), currency: currency),
      tax: Money(minorUnits: try row.int64("tax_minor"), currency: currency),
      rate: try row.read("rate_basis_points"))
  }
}

/// The columns of a recipient.
enum PartyColumns {
  static let names: SQL = """
    recipient_given_name, recipient_family_name, recipient_company_name, recipient_street,
    recipient_building_number, recipient_postal_code, recipient_town, recipient_country_code,
    recipient_vat_number
    """

  static let assignments: SQL = """
    recipient_given_name = excluded.recipient_given_name,
    recipient_family_name = excluded.recipient_family_name,
    recipient_company_name = excluded.recipient_company_name,
    recipient_street = excluded.recipient_street,
    recipient_building_number = excluded.recipient_building_number,
    recipient_postal_code = excluded.recipient_postal_code,
    recipient_town = excluded.recipient_town,
    recipient_country_code = excluded.recipient_country_code,
    recipient_vat_number = excluded.recipient_vat_number
    """

  static func values(_ party: Party) -> SQL {
    """
    \(party.givenName), \(party.familyName), \(party.companyName), \(party.street),
    \(party.buildingNumber), \(party.postalCode), \(party.town), \(party.countryCode),
    \(party.vatNumber)
    """
  }

  static func party(_ row: Row) throws -> Party {
    Party(
      givenName: try row.text("recipient_given_name"),
      familyName: try row.text("recipient_family_name"),
      companyName: try row.text("recipient_company_name"),
      street: try row.text("recipient_street"),
      buildingNumber: try row.text("recipient_building_number"),
      postalCode: try row.text("recipient_postal_code"), town: try row.text("recipient_town"),
      countryCode: try row.text("recipient_country_code"),
      vatNumber: try row.text("recipient_vat_number"))
  }
}
