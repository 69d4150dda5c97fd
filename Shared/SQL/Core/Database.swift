/// The statements of one transaction, given to the body of `Database.write` and `read`.
///
/// Everything is synchronous: nothing suspends between two statements. Once a statement has failed
/// the transaction is over in both dialects: further statements throw `.aborted`, and the body's
/// effects are rolled back even when it returns. Use `ON CONFLICT` where a collision is expected
/// and the transaction has to go on.
package protocol Transaction: AnyObject {
  /// The database's dialect.
  var dialect: Dialect { get }

  /// Runs a statement and returns how many rows it inserted, changed or deleted. Rows that the
  /// statement returns are dropped.
  @discardableResult
  func execute(_ sql: SQL) throws(SQLError) -> Int

  /// Carries a change out of which the body needs to know nothing, and spares it the wait: where the
  /// database is on a server, an error of the statement may be thrown by a later one, or in place of
  /// what the body returns. In both dialects it takes effect before the next statement.
  func enqueue(_ sql: SQL) throws(SQLError)

  /// Runs a query, or a change with RETURNING, and returns all of its rows. More rows than the
  /// driver's limit throw `.tooLarge`: a page belongs into the statement.
  func rows(_ sql: SQL) throws(SQLError) -> [Row]

  /// The first row, or nil. A change with RETURNING is carried out for all of its rows.
  func first(_ sql: SQL) throws(SQLError) -> Row?

  /// Runs several statements without parameters, separated by semicolons: migrations and nothing
  /// else.
  func script(_ text: String) throws(SQLError)
}

extension Transaction {
  /// Where nothing is gained by not waiting.
  package func enqueue(_ sql: SQL) throws(SQLError) {
    try execute(sql)
  }
}

/// A database that a service owns.
package protocol Database: Sendable {
  /// The database's dialect.
  var dialect: Dialect { get }

  /// Runs the body in one transaction and returns after it is durable.
  ///
  /// The body runs on a thread of the driver, never on the cooperative pool, and may run more than
  /// once (retries), so it must have no effects outside of the transaction and must not wait for
  /// anything. An error that it throws rolls its own changes back and is rethrown. `SQLError` is
  /// thrown where the database failed; after `.io` or `.connectionLost` from the commit itself the
  /// outcome is unknown.
  @discardableResult
  func write<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result

  /// Runs the body on one consistent snapshot. A change throws `.readOnly`. The snapshot holds
  /// every write that had returned before the call.
  func read<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result

  /// Finishes what was accepted, closes the connections and returns when all is released. Later
  /// calls throw `.closed`.
  func close() async
}
