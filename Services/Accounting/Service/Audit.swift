internal import AccountingDomain
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// What accounting writes into the organization's audit log (ORG-8).
enum AuditAction: String {
  case topUpCreated = "top_up.created"
  case topUpSettled = "top_up.settled"
  case orderCharged = "order.charged"
  case dueItemsPaid = "due_items.paid"
  case invoiceIssued = "invoice.issued"
}

extension Books {
  /// Adds an audit entry in the transaction that makes the change.
  func record(
    _ action: AuditAction, of organizationID: OrganizationID, by actor: String, target: String,
    at now: Instant, source: String?, fields: [AuditField], in transaction: any Transaction
  ) throws {
    try AuditLog().append(
      AuditRecord(
        id: identifiers.next(), organizationID: organizationID, at: now, actor: actor,
        action: action.rawValue, target: target, source: source, fields: fields),
      in: transaction)
  }

  /// Adds the entries of a sale: what was paid, and the invoice that it made.
  func recordSale(
    _ action: AuditAction, by actor: String, target: String, _ invoice: AccountingDomain.Invoice,
    at now: Instant, source: String?, in transaction: any Transaction
  ) throws {
    let total = AuditField.plain("total", after: invoice.totals.total.description)
    try record(
      action, of: invoice.organizationID, by: actor, target: target, at: now, source: source,
      fields: [total, .plain("invoice", after: invoice.id.text)], in: transaction)
    try record(
      .invoiceIssued, of: invoice.organizationID, by: actor, target: "invoice:\(invoice.id.text)",
      at: now, source: source, fields: [.plain("number", after: invoice.number.text), total],
      in: transaction)
  }
}
