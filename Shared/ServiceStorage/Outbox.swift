package import SQLCore
package import SharedDomain

/// The messages that wait for their delivery (table `outbox`).
package enum Outbox {
  /// Adds a message: it is sent if and only if the transaction commits. Wake the relay after the
  /// commit; `OperationStore` does so by itself.
  package static func append(
    _ message: OutboxMessage, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.enqueue(
      """
      INSERT INTO outbox (id, topic, aggregate_id, payload, created_at_us, is_head,
        next_attempt_at_us)
      VALUES (\(message.id), \(message.topic), \(message.aggregateID), \(message.payload),
        \(message.createdAt),
        CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE aggregate_id = \(message.aggregateID))
          THEN 0 ELSE 1 END,
        \(message.createdAt))
      """)
  }

  /// Takes a given-up message back to the end of its aggregate's messages, to be tried at once;
  /// false when there is no such dead letter.
  @discardableResult
  package static func revive(
    _ id: UniqueID, at now: Instant, in transaction: any Transaction
  ) throws(SQLError) -> Bool {
    let row = try transaction.first(
      "DELETE FROM outbox_dead_letter WHERE id = \(id) RETURNING \(OutboxMessage.columns)")
    guard let row else { return false }
    try append(try OutboxMessage(row), in: transaction)
    try transaction.execute(
      "UPDATE outbox SET next_attempt_at_us = \(now) WHERE id = \(id)")
    return true
  }

  /// The messages that were given up, oldest first.
  package static func deadLetters(
    limit: Int = 100, in transaction: any Transaction
  ) throws(SQLError) -> [DeadLetter] {
    var letters: [DeadLetter] = []
    for row in try transaction.rows(
      """
      SELECT \(OutboxMessage.columns), attempts, failed_at_us, last_error
      FROM outbox_dead_letter ORDER BY sequence LIMIT \(limit)
      """)
    { letters.append(try DeadLetter(row)) }
    return letters
  }
}

/// A message that was given up after a permanent error.
package struct DeadLetter: Sendable, Hashable {
  package let message: OutboxMessage
  package let attempts: Int
  package let failedAt: Instant
  package let lastError: String

  init(_ row: Row) throws(SQLError) {
    message = try OutboxMessage(row)
    attempts = try row.int("attempts")
    failedAt = try row.instant("failed_at_us")
    lastError = try row.text("last_error")
  }
}
