package import SQLCore
package import SharedDomain

/// The messages that wait for their delivery (table `outbox`).
package enum Outbox {
  /// Adds a message: it is sent if and only if the transaction commits. Wake the relay after the
  /// commit; `OperationStore` does so by itself.
  package static func append(
    _ message: OutboxMessage, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      INSERT INTO outbox (id, topic, aggregate_id, payload, created_at_us, is_head,
        next_attempt_at_us)
      SELECT \(message.id), \(message.topic), \(message.aggregateID), \(message.payload),
        \(message.createdAt),
        CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE aggregate_id = \(message.aggregateID))
          THEN 0 ELSE 1 END,
        \(message.createdAt)
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

/// What the relay reads and writes.
extension Outbox {
  /// The earliest message of an aggregate, with its history.
  struct Head: Sendable, Hashable {
    let message: OutboxMessage
    let attempts: Int
    let nextAttemptAt: Instant
  }

  private static func head(_ row: Row) throws(SQLError) -> Head {
    Head(
      message: try OutboxMessage(row), attempts: try row.int("attempts"),
      nextAttemptAt: try row.instant("next_attempt_at_us"))
  }

  private static let headColumns: SQL = "\(OutboxMessage.columns), attempts, next_attempt_at_us"

  /// The heads that are due, longest waiting first. One that lies further ahead than a back-off can
  /// be was scheduled before the clock was set back, and is due.
  static func due(
    at now: Instant, orAfter far: Instant, limit: Int, in transaction: any Transaction
  ) throws(SQLError) -> [Head] {
    var heads: [Head] = []
    for row in try transaction.rows(
      """
      SELECT \(headColumns) FROM outbox
      WHERE is_head = 1 AND (next_attempt_at_us <= \(now) OR next_attempt_at_us > \(far))
      ORDER BY next_attempt_at_us LIMIT \(limit)
      """)
    { heads.append(try head(row)) }
    return heads
  }

  /// When the earliest head becomes due, or nil without messages.
  static func nextAttempt(in transaction: any Transaction) throws(SQLError) -> Instant? {
    let row = try transaction.first(
      "SELECT min(next_attempt_at_us) AS at_us FROM outbox WHERE is_head = 1")
    return try row?.optionalInstant("at_us")
  }

  static func head(
    of aggregateID: String, in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    let row = try transaction.first(
      """
      SELECT \(headColumns) FROM outbox WHERE aggregate_id = \(aggregateID)
      ORDER BY sequence LIMIT 1
      """)
    guard let row else { return nil }
    return try head(row)
  }

  /// Where a message is.
  enum Place: Sendable, Hashable {
    case waiting(aggregateID: String)
    case dead(lastError: String)
    /// Delivered, or never there.
    case gone
  }

  static func place(
    of id: UniqueID, in transaction: any Transaction
  ) throws(SQLError) -> Place {
    if let row = try transaction.first("SELECT aggregate_id FROM outbox WHERE id = \(id)") {
      return .waiting(aggregateID: try row.text("aggregate_id"))
    }
    let row = try transaction.first(
      "SELECT last_error FROM outbox_dead_letter WHERE id = \(id)")
    if let row { return .dead(lastError: try row.text("last_error")) }
    return .gone
  }

  /// Removes a delivered message; the aggregate's next one, now its head.
  static func delivered(
    _ message: OutboxMessage, in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    try transaction.execute("DELETE FROM outbox WHERE id = \(message.id)")
    return try promote(message.aggregateID, in: transaction)
  }

  /// Schedules the next attempt.
  static func failed(
    _ message: OutboxMessage, error: String, nextAttemptAt: Instant, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      UPDATE outbox SET attempts = attempts + 1, next_attempt_at_us = \(nextAttemptAt),
        last_error = \(error)
      WHERE id = \(message.id)
      """)
  }

  /// Gives a message up; the aggregate's next one, now its head.
  static func buried(
    _ message: OutboxMessage, error: String, at now: Instant, in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    try transaction.execute(
      """
      INSERT INTO outbox_dead_letter (id, topic, aggregate_id, payload, created_at_us, attempts,
        failed_at_us, last_error)
      SELECT id, topic, aggregate_id, payload, created_at_us, attempts + 1, \(now), \(error)
      FROM outbox WHERE id = \(message.id)
      """)
    try transaction.execute("DELETE FROM outbox WHERE id = \(message.id)")
    return try promote(message.aggregateID, in: transaction)
  }

  private static func promote(
    _ aggregateID: String, in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    guard let next = try head(of: aggregateID, in: transaction) else { return nil }
    try transaction.execute("UPDATE outbox SET is_head = 1 WHERE id = \(next.message.id)")
    return next
  }
}
