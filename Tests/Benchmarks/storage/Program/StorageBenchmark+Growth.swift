internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import RPCCore
internal import SQLCore
internal import SQLiteDriver
internal import ServiceStorage
internal import SharedDomain

/// Costs by the number of entries.
extension StorageBenchmark {
  /// Books up to a number of entries, then what a transfer and a page of a statement cost.
  func growth(_ database: SQLiteDatabase, upTo most: Int) async throws {
    say("\nSQLite, by the number of entries in the ledger and in the audit log:")
    say("    entries   transfers     µs CPU   statement, µs   in its middle, µs   log of 50, µs")
    var entries = 0
    var size = 10_000
    while size <= most {
      try await fill(database, size - entries)
      entries = max(entries, size)
      let transfer = try await direct(database, .all)
      entries += transfer.calls
      let first = try await statement(database, after: nil)
      let middle = try await statement(database, after: Int64(size / 2))
      let log = try await auditPage(database)
      say(
        "  \(number(Double(size))) \(number(transfer.perSecond))/s  \(number(transfer.processorMicroseconds, 1))"
          + "       \(number(first, 1))           \(number(middle, 1))       \(number(log, 1))")
      size *= 10
    }
  }

  /// Adds so many entries to the books and the audit log, hundreds in a transaction; a tenth for one
  /// organization, whose statement is read. Messages and saved answers do not pile up in a service.
  func fill(_ database: SQLiteDatabase, _ count: Int) async throws {
    let handler = TransferHandler(database, parts: [.books, .audit], clock: clock)
    let batch = 500
    for start in stride(from: 0, to: max(0, count), by: batch) {
      let transfers = (start..<min(count, start + batch)).map { index in
        handler.transfer(
          of: index % 10 == 0 ? organizations[0] : organizations[index % organizations.count])
      }
      try await database.write { transaction in
        for transfer in transfers { try handler.make(transfer, in: transaction) }
      }
    }
  }

  /// Makes so many transfers with many in flight.
  func make(_ database: SQLiteDatabase, _ count: Int, _ parts: TransferParts) async throws {
    let handler = TransferHandler(database, parts: parts, clock: clock)
    let context = ServerContext(method: ChargeServiceMethods.chargeOrder)
    let inFlight = 256
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<inFlight {
        group.addTask {
          for index in stride(from: task, to: count, by: inFlight) {
            _ = try await handler.chargeOrder(
              ChargeOrderRequest(
                organizationID: organizations[index % organizations.count].text,
                orderID: generator.next().text),
              context: context)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Microseconds for a page of the long statement: its first, or one behind an entry of its own that
  /// was made after so many of all.
  func statement(_ database: SQLiteDatabase, after number: Int64?) async throws -> Double {
    let repetitions = 500
    let long = organizations[0]
    let position = try await database.read { transaction in
      try transaction.first(
        """
        SELECT min(e.number) AS number FROM ledger_entry e
        WHERE e.number > \(number) AND e.ledger_number = (
          SELECT number FROM ledger WHERE organization_id = \(long))
        """)?.optionalInt64("number")
    }
    let began = ContinuousClock.now
    for _ in 0..<repetitions {
      let organization = organizations[0]
      let lines = try await database.read { transaction in
        try LedgerStore.movements(organization, .chf, after: position, limit: 50, in: transaction)
      }
      precondition(lines.count == 50, "the statement has a page")
    }
    return (ContinuousClock.now - began) / .microseconds(1) / Double(repetitions)
  }

  /// Microseconds for the newest page of the long organization's audit log.
  func auditPage(_ database: SQLiteDatabase) async throws -> Double {
    let repetitions = 500
    let long = organizations[0]
    let began = ContinuousClock.now
    for _ in 0..<repetitions {
      let entries = try await database.read { transaction in
        try AuditLog.page(of: long, limit: 50, in: transaction)
      }
      precondition(entries.count == 50, "the log has a page")
    }
    return (ContinuousClock.now - began) / .microseconds(1) / Double(repetitions)
  }
}
