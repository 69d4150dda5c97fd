internal import Cryptography
package import Logging
package import Messages
package import RPCCore
package import SQLCore
package import SharedDomain

/// Runs each operation once and answers its repetitions with the saved answer (table `operation`).
///
/// Only committed effects are saved: a body that throws changes nothing, and the same key may
/// succeed later. Callers authorize before they call, so a replay is authorized too; answers that
/// are saved hold no token. A key is kept for 30 days.
package struct OperationStore: Sendable {
  /// How long a saved answer is kept.
  package static let retention = Duration.days(30)

  private let database: any Database
  private let clock: any WallClock
  private let hashKey: [UInt8]
  private let onCommit: @Sendable () -> Void

  /// - Parameters:
  ///   - hashKey: keys the requests' hashes, at least 16 secret bytes, the same on every start.
  ///   - onCommit: called after each operation that was carried out; wakes the outbox's relay.
  package init(
    database: any Database, clock: any WallClock, hashKey: [UInt8],
    onCommit: @escaping @Sendable () -> Void = {}
  ) {
    precondition(hashKey.count >= 16, "the key of the requests' hashes has at least 16 bytes")
    self.database = database
    self.clock = clock
    self.hashKey = hashKey
    self.onCommit = onCommit
  }

  /// The operation of a request, to be run.
  ///
  /// - Parameters:
  ///   - scope: whose key it is: `user:<id>`, `service:shop`, `anonymous`.
  ///   - request: the request with its secret fields blanked.
  /// - Throws: INVALID_ARGUMENT naming `request_id` when it is none.
  package func operation(
    scope: String, method: MethodDescriptor, requestID: String, request: some Message
  ) throws -> Operation {
    guard Operation.isRequestID(requestID) else {
      let expected = "expected 1 to 64 of A-Z a-z 0-9 . _ -, new for each operation"
      throw RPCError(
        .invalidArgument, reason: "INVALID_REQUEST", "request_id: \(expected)",
        fields: [FieldViolation(field: "request_id", description: expected)])
    }
    let hash = HMACSHA256.code(for: try request.serialized(), key: hashKey)
    return Operation(scope: scope, method: method, requestID: requestID, requestHash: hash)
  }

  /// Carries the operation out, or answers as it was answered before.
  ///
  /// Lookup, body and saving the answer are one transaction. Of concurrent calls with the same key,
  /// on whichever replica, one runs the body, the others come after it and get its answer: writes
  /// follow one another.
  ///
  /// - Throws: ALREADY_EXISTS with reason `IDEMPOTENCY_KEY_REUSED` when the key was used for
  ///   another request; what the body throws, with nothing changed or saved; `SQLError`.
  package func run<Response: Message>(
    _ operation: Operation,
    _ body: @escaping @Sendable (any Transaction) throws -> Response
  ) async throws -> Response {
    let now = clock.now()
    let (response, isNew) = try await database.write { transaction in
      if let saved: Response = try Self.saved(operation, in: transaction) { return (saved, false) }
      let response = try body(transaction)
      try Self.save(response, of: operation, at: now, in: transaction)
      return (response, true)
    }
    if isNew { onCommit() }
    return response
  }

  /// The saved answer of an operation that was carried out before; nil for a new one. Spares a
  /// repeated call the work before `run`, which decides all the same.
  ///
  /// - Throws: ALREADY_EXISTS with reason `IDEMPOTENCY_KEY_REUSED`; `SQLError`.
  package func answer<Response: Message>(
    to operation: Operation, as type: Response.Type = Response.self
  ) async throws -> Response? {
    try await database.read { transaction in try Self.saved(operation, in: transaction) }
  }

  private static func saved<Response: Message>(
    _ operation: Operation, in transaction: any Transaction
  ) throws -> Response? {
    let row = try transaction.first(
      """
      SELECT request_hash, response FROM operation
      WHERE request_id = \(operation.requestID) AND scope = \(operation.scope)
        AND method = \(operation.method.path)
      """)
    guard let row else { return nil }
    guard constantTimeEqual(try row.blob("request_hash"), operation.requestHash) else {
      throw RPCError(
        .alreadyExists, reason: "IDEMPOTENCY_KEY_REUSED",
        """
        request_id \(operation.requestID) was used for another request; repeat that request \
        unchanged or take a new request_id
        """)
    }
    return try Response(serialized: try row.blob("response"))
  }

  private static func save(
    _ response: some Message, of operation: Operation, at now: Instant,
    in transaction: any Transaction
  ) throws {
    try transaction.enqueue(
      """
      INSERT INTO operation (request_id, scope, method, request_hash, response, created_at_us)
      VALUES (\(operation.requestID), \(operation.scope), \(operation.method.path),
        \(operation.requestHash), \(try response.serialized()), \(now))
      """)
  }
}

/// Retention.
extension OperationStore {
  /// Deletes the answers that are too old, now and every hour, until it is cancelled. What fails is
  /// logged and left to the next time.
  package func deleteExpiredHourly(logger: Logger) async throws {
    while true {
      do {
        try await deleteExpired()
      } catch let error as SQLError {
        logger.warning("expired answers stay", metadata: ["error": "\(error)"])
      }
      try await Task.sleep(for: .hours(1))
    }
  }

  /// Deletes the answers that are older than 30 days, a batch in each transaction, and returns how
  /// many there were. They are looked at in the order in which they were saved: one that is younger,
  /// because the clock was set back since, keeps those behind it for as long.
  @discardableResult
  package func deleteExpired(batchSize: Int = 500) async throws -> Int {
    precondition(batchSize > 0, "a batch has a row")
    let limit = clock.now().advanced(by: .zero - Self.retention)
    var deleted = 0
    while true {
      let count = try await database.write { transaction in
        try transaction.execute(
          """
          DELETE FROM operation WHERE id IN (
            SELECT id FROM (
              SELECT id, created_at_us FROM operation ORDER BY id LIMIT \(batchSize)) AS oldest
            WHERE created_at_us < \(limit))
          """)
      }
      deleted += count
      if count < batchSize { return deleted }
    }
  }
}
