package import SQLCore
internal import ServiceStorage
package import SharedDomain
package import ShopDomain

/// The tries to pay orders. They are also what makes PayOrder idempotent: a request id belongs to
/// one attempt, until accounting refuses it; then the id may be used again (SHOP-5).
package enum PaymentAttemptTable {
  /// Who asked for an attempt, and under which id.
  package struct Request: Sendable, Hashable {
    /// The principal, such as `user:<id>`.
    package let scope: String
    package let id: String

    package init(scope: String, id: String) {
      self.scope = scope
      self.id = id
    }
  }

  /// How an attempt ended.
  package enum End: Sendable, Hashable {
    case paid
    /// Refused; the bytes are the `google.rpc.Status` that accounting answered.
    case refused([UInt8])
  }

  /// What became of an attempt.
  package struct Record: Sendable, Hashable {
    package let orderID: OrderID
    package let attempt: PaymentAttempt
    /// Nil while the outcome is not known.
    package let end: End?
  }

  /// Stores a new attempt: under way, or ended where nothing had to be charged.
  package static func insert(
    _ attempt: PaymentAttempt, of orderID: OrderID, for request: Request, isPaid: Bool,
    in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      INSERT INTO payment_attempt (attempt_id, order_id, request_scope, request_id, user_id, state,
        supply_start, started_at_us, ended_at_us)
      VALUES (\(attempt.id), \(orderID), \(request.scope), \(request.id), \(attempt.userID),
        \(isPaid ? "PAID" : "PAYING"), \(attempt.supplyStart), \(attempt.startedAt),
        \(isPaid ? attempt.startedAt : nil))
      """)
  }

  /// Notes that the money was taken for an attempt. Another attempt of the same order, begun after
  /// this one seemed to have failed, ends with it.
  package static func setPaid(
    _ attemptID: UniqueID, of orderID: OrderID, at now: Instant, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      UPDATE payment_attempt SET state = 'REFUSED', ended_at_us = \(now)
      WHERE order_id = \(orderID) AND state = 'PAYING' AND attempt_id <> \(attemptID)
      """)
    try transaction.execute(
      """
      UPDATE payment_attempt SET state = 'PAID', ended_at_us = \(now), refusal = NULL
      WHERE attempt_id = \(attemptID)
      """)
  }

  /// Notes that accounting refused an attempt.
  package static func setRefused(
    _ attemptID: UniqueID, _ refusal: [UInt8], at now: Instant, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      UPDATE payment_attempt SET state = 'REFUSED', ended_at_us = \(now), refusal = \(refusal)
      WHERE attempt_id = \(attemptID) AND state = 'PAYING'
      """)
  }

  /// The attempt with an id, or nil.
  package static func attempt(
    _ id: UniqueID, in transaction: any Transaction
  ) throws(SQLError) -> Record? {
    try transaction.first("SELECT \(columns) FROM payment_attempt WHERE attempt_id = \(id)")
      .map { row throws(SQLError) in try record(row) }
  }

  /// The attempt that a request id stands for, refused ones left out, or nil.
  package static func attempt(
    for request: Request, in transaction: any Transaction
  ) throws(SQLError) -> Record? {
    try transaction.first(
      """
      SELECT \(columns) FROM payment_attempt
      WHERE request_scope = \(request.scope) AND request_id = \(request.id)
        AND state <> 'REFUSED'
      """
    ).map { row throws(SQLError) in try record(row) }
  }

  private static let columns: SQL =
    "attempt_id, order_id, user_id, state, supply_start, started_at_us, refusal"

  private static func record(_ row: Row) throws(SQLError) -> Record {
    let end: End?
    switch try row.text("state") {
    case "PAID": end = .paid
    case "REFUSED": end = .refused(try row.optionalBlob("refusal") ?? [])
    default: end = nil
    }
    return Record(
      orderID: try row.read("order_id"),
      attempt: PaymentAttempt(
        id: try row.read("attempt_id"), userID: try row.read("user_id"),
        startedAt: try row.instant("started_at_us"), supplyStart: try row.read("supply_start")),
      end: end)
  }
}
