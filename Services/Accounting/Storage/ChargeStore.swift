package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// A charge as it is kept.
package struct RecordedCharge: Sendable, Hashable {
  package let orderID: OrderID
  package let organizationID: OrganizationID
  /// The digest of the request that was charged.
  package let requestHash: [UInt8]
  package let invoiceID: InvoiceID
  package let entryID: LedgerEntryID
  package let paidAt: Instant

  package init(
    orderID: OrderID, organizationID: OrganizationID, requestHash: [UInt8], invoiceID: InvoiceID,
    entryID: LedgerEntryID, paidAt: Instant
  ) {
    self.orderID = orderID
    self.organizationID = organizationID
    self.requestHash = requestHash
    self.invoiceID = invoiceID
    self.entryID = entryID
    self.paidAt = paidAt
  }
}

/// Which orders were charged: each once (SHOP-5).
package enum ChargeStore {
  package static func insert(_ charge: RecordedCharge, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO order_charge
        (order_id, organization_id, request_hash, invoice_id, entry_id, paid_at_us)
      VALUES (\(charge.orderID), \(charge.organizationID), \(charge.requestHash),
        \(charge.invoiceID), \(charge.entryID), \(charge.paidAt))
      """)
  }

  package static func find(
    _ orderID: OrderID, in transaction: any Transaction
  ) throws -> RecordedCharge? {
    try transaction.first(
      """
      SELECT order_id, organization_id, request_hash, invoice_id, entry_id, paid_at_us
      FROM order_charge WHERE order_id = \(orderID)
      """
    ).map { row in
      RecordedCharge(
        orderID: try row.read("order_id"), organizationID: try row.read("organization_id"),
        requestHash: try row.blob("request_hash"), invoiceID: try row.read("invoice_id"),
        entryID: try row.read("entry_id"), paidAt: try row.instant("paid_at_us"))
    }
  }
}
