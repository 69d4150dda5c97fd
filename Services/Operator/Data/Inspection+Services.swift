internal import SQLCore
internal import SharedDomain

/// What two services' databases say of the same thing.
///
/// Each is read on a snapshot of its own while the services may run, so the side that is written
/// later is read first: what it says must be in the other by then.
enum ServicesInspection {
  static func report(
    shop: any Database, accounting: any Database
  ) async -> InspectionReport {
    var report = InspectionReport()
    do {
      try await compareOrders(shop, accounting, &report)
      try await compareRenewals(shop, accounting, &report)
    } catch {
      report.findings.append(
        Finding(
          database: "shop and accounting", table: "-", row: "-",
          expectation: "expected to be readable: \(error)"))
    }
    return report
  }

  private static let pageSize = 1000

  /// An order is marked paid after accounting has charged it (SHOP-5).
  private static func compareOrders(
    _ shop: any Database, _ accounting: any Database, _ report: inout InspectionReport
  ) async throws {
    var last = ""
    while true {
      let after = last
      let orders = try await shop.read { transaction in
        try transaction.rows(
          """
          SELECT order_id, invoice_id FROM shop_order
          WHERE order_id > \(after) AND state = 'PAID' AND invoice_id IS NOT NULL
          ORDER BY order_id LIMIT \(pageSize)
          """
        ).map { (id: try $0.text("order_id"), invoice: try $0.text("invoice_id")) }
      }
      guard let final = orders.last else { return }
      last = final.id
      let charged = try await accounting.read { transaction in
        try transaction.rows(
          """
          SELECT order_id, invoice_id FROM order_charge
          WHERE order_id IN (\(list: orders.map(\.id)))
          """
        ).reduce(into: [String: String]()) {
          $0[try $1.text("order_id")] = try $1.text("invoice_id")
        }
      }
      for order in orders where charged[order.id] != order.invoice {
        report.findings.append(
          Finding(
            database: "shop", table: "shop_order", row: order.id,
            expectation: "expected its charge, with invoice \(order.invoice), in accounting's books"
          ))
      }
    }
  }

  /// A payment is complete after the shop has extended the products (ACC-3).
  private static func compareRenewals(
    _ shop: any Database, _ accounting: any Database, _ report: inout InspectionReport
  ) async throws {
    var last = ("", "")
    while true {
      let after = last
      let paid = try await accounting.read { transaction in
        try transaction.rows(
          """
          SELECT r.product_id, r.period_start, r.payment_id FROM renewal_payment r
          JOIN payment p ON p.payment_id = r.payment_id
          WHERE (r.product_id, r.period_start) > (\(after.0), \(after.1)) AND p.state = 'COMPLETE'
          ORDER BY r.product_id, r.period_start LIMIT \(pageSize)
          """
        ).map {
          (
            product: try $0.text("product_id"), start: try $0.text("period_start"),
            payment: try $0.text("payment_id")
          )
        }
      }
      guard let final = paid.last else { return }
      last = (final.product, final.start)
      let applied = try await shop.read { transaction in
        try transaction.rows(
          """
          SELECT product_id, period_start, payment_id FROM product_renewal
          WHERE payment_id IN (\(list: paid.map(\.payment)))
          """
        ).reduce(into: Set<String>()) {
          $0.insert(try "\($1.text("product_id"))/\($1.text("period_start"))")
        }
      }
      for period in paid where !applied.contains("\(period.product)/\(period.start)") {
        report.findings.append(
          Finding(
            database: "accounting", table: "renewal_payment",
            row: "\(period.product)/\(period.start)",
            expectation:
              "expected the period of payment \(period.payment) to be applied in the shop"))
      }
    }
  }
}
