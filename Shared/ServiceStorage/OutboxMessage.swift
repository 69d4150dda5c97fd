internal import SQLCore
package import SharedDomain

/// A message to another part of the system, or to a mailbox, that is sent because a transaction
/// was committed.
package struct OutboxMessage: Sendable, Hashable {
  /// Time-ordered; receivers use it as their idempotency key. Made before the transaction's body,
  /// so that a body that runs twice has the same id.
  package let id: UniqueID
  /// Chooses the handler: `organization.created`.
  package let topic: String
  /// Messages with the same aggregate are delivered in the order of their commits; others are not
  /// ordered among themselves.
  package let aggregateID: String
  /// What the topic's handler reads, an encoded message as a rule.
  package let payload: [UInt8]
  package let createdAt: Instant

  package init(
    id: UniqueID, topic: String, aggregateID: String, payload: [UInt8], createdAt: Instant
  ) {
    self.id = id
    self.topic = topic
    self.aggregateID = aggregateID
    self.payload = payload
    self.createdAt = createdAt
  }

  init(_ row: Row) throws(SQLError) {
    id = try row.read("id")
    topic = try row.text("topic")
    aggregateID = try row.text("aggregate_id")
    payload = try row.blob("payload")
    createdAt = try row.instant("created_at_us")
  }

  static let columns: SQL = "id, topic, aggregate_id, payload, created_at_us"
}
