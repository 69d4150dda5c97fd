internal import SQLCore
internal import SharedDomain

/// What the relay reads and writes.
extension Outbox {
  /// The earliest message of an aggregate, with its history.
  struct Head: Sendable, Hashable {
    let message: OutboxMessage
    let attempts: Int
    let nextAttemptAt: Instant
  }

  /// A replica's hold on an aggregate: others leave its messages alone until it expires.
  struct Claim: Sendable, Hashable {
    /// Names the replica.
    let holder: String
    let now: Instant
    /// How long it holds.
    let lease: Duration

    var expiresAt: Instant { now.advanced(by: lease) }

    /// Whether a head can be taken: nobody else holds it. A claim that lies further ahead than the
    /// lease was made before the clock was set back.
    fileprivate var isFree: SQL {
      """
      (claimed_by IS NULL OR claimed_by = \(holder) OR claimed_until_us <= \(now)
        OR claimed_until_us > \(expiresAt))
      """
    }
  }

  private static func head(_ row: Row) throws(SQLError) -> Head {
    Head(
      message: try OutboxMessage(row), attempts: try row.int("attempts"),
      nextAttemptAt: try row.instant("next_attempt_at_us"))
  }

  private static let headColumns: SQL = "\(OutboxMessage.columns), attempts, next_attempt_at_us"

  /// The heads that are due and not held elsewhere, longest waiting first. One that lies further
  /// ahead than a back-off can be was scheduled before the clock was set back, and is due.
  static func due(
    _ claim: Claim, orAfter far: Instant, limit: Int, in transaction: any Transaction
  ) throws(SQLError) -> [Head] {
    var heads: [Head] = []
    for row in try transaction.rows(
      """
      SELECT \(headColumns) FROM outbox
      WHERE is_head = 1 AND (next_attempt_at_us <= \(claim.now) OR next_attempt_at_us > \(far))
        AND \(claim.isFree)
      ORDER BY next_attempt_at_us LIMIT \(limit)
      """)
    { heads.append(try head(row)) }
    return heads
  }

  /// When the earliest head that is not held elsewhere becomes due, or nil.
  static func nextAttempt(
    _ claim: Claim, in transaction: any Transaction
  ) throws(SQLError) -> Instant? {
    let row = try transaction.first(
      """
      SELECT min(next_attempt_at_us) AS at_us FROM outbox WHERE is_head = 1 AND \(claim.isFree)
      """)
    return try row?.optionalInstant("at_us")
  }

  /// Takes those of the aggregates that are free, and returns them. Rows that another replica is
  /// just writing are left to it.
  static func take(
    _ aggregates: [String], _ claim: Claim, in transaction: any Transaction
  ) throws(SQLError) -> Set<String> {
    let skipLocked: SQL = transaction.dialect.isShared ? "FOR UPDATE SKIP LOCKED" : ""
    var taken: Set<String> = []
    for row in try transaction.rows(
      """
      UPDATE outbox SET claimed_by = \(claim.holder), claimed_until_us = \(claim.expiresAt)
      WHERE sequence IN (
        SELECT sequence FROM outbox
        WHERE is_head = 1 AND aggregate_id IN (\(list: aggregates)) AND \(claim.isFree)
        \(skipLocked))
      RETURNING aggregate_id
      """)
    { taken.insert(try row.text("aggregate_id")) }
    return taken
  }

  /// Gives an aggregate back.
  static func release(
    _ aggregateID: String, heldBy holder: String, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      UPDATE outbox SET claimed_by = NULL, claimed_until_us = NULL
      WHERE aggregate_id = \(aggregateID) AND is_head = 1 AND claimed_by = \(holder)
      """)
  }

  /// The message of an aggregate that is to be delivered next. A message that was appended at the
  /// same time as another may have the lower number and yet not come first.
  static func head(
    of aggregateID: String, in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    let row = try transaction.first(
      "SELECT \(headColumns) FROM outbox WHERE aggregate_id = \(aggregateID) AND is_head = 1")
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

  /// Removes a delivered message; the aggregate's next one, now its head and held like the last
  /// one. None when the message was removed already: another replica has gone on with the aggregate
  /// after this one's claim expired.
  static func delivered(
    _ message: OutboxMessage, _ claim: Claim?, in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    guard try transaction.execute("DELETE FROM outbox WHERE id = \(message.id)") == 1 else {
      return nil
    }
    return try promote(message.aggregateID, claim, in: transaction)
  }

  /// Schedules the next attempt and gives the aggregate back.
  static func failed(
    _ message: OutboxMessage, error: String, nextAttemptAt: Instant, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      UPDATE outbox SET attempts = attempts + 1, next_attempt_at_us = \(nextAttemptAt),
        last_error = \(error), claimed_by = NULL, claimed_until_us = NULL
      WHERE id = \(message.id)
      """)
  }

  /// Gives a message up; the aggregate's next one, as in `delivered`.
  static func buried(
    _ message: OutboxMessage, error: String, at now: Instant, _ claim: Claim?,
    in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    let count = try transaction.execute(
      """
      INSERT INTO outbox_dead_letter (id, topic, aggregate_id, payload, created_at_us, attempts,
        failed_at_us, last_error)
      SELECT id, topic, aggregate_id, payload, created_at_us, attempts + 1, \(now), \(error)
      FROM outbox WHERE id = \(message.id)
      """)
    guard count == 1 else { return nil }
    try transaction.execute("DELETE FROM outbox WHERE id = \(message.id)")
    return try promote(message.aggregateID, claim, in: transaction)
  }

  private static func promote(
    _ aggregateID: String, _ claim: Claim?, in transaction: any Transaction
  ) throws(SQLError) -> Head? {
    let row = try transaction.first(
      """
      UPDATE outbox SET is_head = 1, claimed_by = \(claim?.holder),
        claimed_until_us = \(claim?.expiresAt)
      WHERE sequence = (SELECT min(sequence) FROM outbox WHERE aggregate_id = \(aggregateID))
      RETURNING \(headColumns)
      """)
    guard let row else { return nil }
    return try head(row)
  }
}
