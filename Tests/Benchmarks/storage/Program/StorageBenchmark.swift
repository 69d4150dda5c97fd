internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import Glibc
internal import PostgresDriver
internal import RPCCore
internal import SQLCore
internal import SQLiteDriver
internal import ServiceStorage
internal import SharedDomain

/// Durable transfers a second, what each part costs, and how both change with the number of entries.
///
/// - `sqlite FOLDER SECONDS ENTRIES`: on SQLite, and with books that are filled up to ENTRIES entries.
/// - `postgres FOLDER SECONDS URL`: on PostgreSQL.
/// - `migrate URL`: only makes the tables.
///
/// FOLDER is on the disk that is measured; SECONDS is how long each run lasts.
@main
struct StorageBenchmark {
  let folder: String
  let seconds: Double
  let clock = RealClock()
  let generator = IdentifierGenerator(clock: RealClock())
  let organizations: [OrganizationID]

  static let schema =
    ServiceStorage.migrations + AccountingMigrations.all + [TransferHandler.migration]

  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let generator = IdentifierGenerator(clock: RealClock())
    if arguments.count == 2, arguments[0] == "migrate" {
      let database = try await PostgresDatabase.open(url: arguments[1])
      try await Migrator(schema).migrate(database)
      return await database.close()
    }
    if arguments.count == 4, let seconds = Double(arguments[2]) {
      let benchmark = StorageBenchmark(
        folder: arguments[1], seconds: seconds,
        organizations: (0..<1000).map { _ in generator.next() })
      if arguments[0] == "postgres" { return try await benchmark.postgres(arguments[3]) }
      if arguments[0] == "sqlite", let most = Int(arguments[3]) {
        return try await benchmark.sqlite(entries: most)
      }
    }
    say(
      """
      usage: storage-benchmark sqlite FOLDER SECONDS ENTRIES
             storage-benchmark postgres FOLDER SECONDS URL
             storage-benchmark migrate URL
      """)
    exit(2)
  }

  func sqlite(entries most: Int) async throws {
    let fsyncs = fsyncsPerSecond(in: folder, seconds: min(seconds, 3))
    say("\nbare fsyncs of 4 KiB, one after the other:      \(number(fsyncs))/s")
    let database = try SQLiteDatabase(path: "\(folder)/benchmark.db")
    try await Migrator(Self.schema).migrate(database)
    try await compare("SQLite", database)
    let statistics = database.statistics
    sayBatches(statistics.bodies, statistics.commits)
    await database.close()

    let grown = try SQLiteDatabase(path: "\(folder)/growth.db")
    try await Migrator(Self.schema).migrate(grown)
    try await growth(grown, upTo: most)
    await grown.close()
  }

  func postgres(_ url: String) async throws {
    var configuration = PostgresConfiguration()
    configuration.connections = 32
    let database = try await PostgresDatabase.open(url: url, configuration: configuration)
    try await Migrator(Self.schema).migrate(database)
    try await compare("PostgreSQL", database)
    let statistics = database.statistics
    sayBatches(statistics.bodies, statistics.commits)
    say("  collisions: \(statistics.collisions)")
    await database.close()
  }

  private func sayBatches(_ bodies: Int, _ commits: Int) {
    say("  transfers in one commit, mean:\(number(Double(bodies) / Double(max(1, commits)), 1))")
  }
}

extension StorageBenchmark {
  /// Transfers straight into the database, with so many in flight.
  func direct(_ database: any Database, _ parts: TransferParts, inFlight: Int = 256) async throws
    -> LoadResult
  {
    let handler = TransferHandler(database, parts: parts, clock: clock)
    let context = ServerContext(method: ChargeServiceMethods.chargeOrder)
    return await load(inFlight: inFlight, seconds: seconds, organizations: organizations) {
      _ = try await handler.chargeOrder($0, context: context)
    }
  }

  /// Transfers by calls over TLS.
  func called(_ database: any Database, _ parts: TransferParts, inFlight: Int = 256) async throws
    -> LoadResult
  {
    let serving = try await Serving(
      TransferHandler(database, parts: parts, clock: clock), folder: folder)
    // Connections and caches first.
    _ = await load(inFlight: inFlight, seconds: 0.5, organizations: organizations) {
      try await serving.call($0)
    }
    let result = await load(
      inFlight: inFlight, seconds: seconds, organizations: organizations
    ) { try await serving.call($0) }
    try await serving.close()
    return result
  }

  func compare(_ name: String, _ database: any Database) async throws {
    say("\n\(name), 256 in flight, client in the same process:")
    let whole = try await called(database, .all)
    row("durable transfer over TLS gRPC", whole)
    row("  without the call", try await direct(database, .all))
    row("  without the outbox", try await direct(database, .all.subtracting(.outbox)))
    row("  nor the audit log", try await direct(database, [.books, .idempotency]))
    row("  nor idempotency", try await direct(database, .books))
    row("  nor the books: two balances, one row", try await direct(database, []))
    // At the same time of the day: the disk may be shared.
    let fsyncs = fsyncsPerSecond(in: folder, seconds: min(seconds, 3))
    let alone = try await called(database, .all, inFlight: 1)
    say(
      "  one after the other: \(number(1e6 / alone.perSecond)) µs each, "
        + "\(number(fsyncs / alone.perSecond, 1)) fsyncs long")
    guard let sqlite = database as? SQLiteDatabase else { return }
    let before = sqlite.statistics.commits
    let calls = try await direct(database, .all, inFlight: 1).calls
    say(
      "  commits, an fsync each, for a transfer alone:"
        + number(Double(sqlite.statistics.commits - before) / Double(max(1, calls)), 1))
  }

  /// Books up to a number of entries, then what a transfer and a page of a statement cost.
  func growth(_ database: SQLiteDatabase, upTo most: Int) async throws {
    say("\nSQLite, by the number of ledger entries:")
    say("  entries      transfer, µs CPU   statement of 50, µs   page in its middle, µs")
    var entries = 0
    var size = 10_000
    while size <= most {
      while entries < size {
        let batch = min(2_000, size - entries)
        let handler = TransferHandler(database, parts: .all, clock: clock)
        let context = ServerContext(method: ChargeServiceMethods.chargeOrder)
        // A tenth belongs to one organization, whose statement is read.
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<batch {
            let organization = index % 10 == 0 ? organizations[0] : organizations[index % 1000]
            group.addTask {
              _ = try await handler.chargeOrder(
                ChargeOrderRequest(
                  organizationID: organization.text, orderID: generator.next().text),
                context: context)
            }
          }
          try await group.waitForAll()
        }
        entries += batch
      }
      let transfer = try await direct(database, .all)
      entries += transfer.calls
      let first = try await statement(database, after: nil)
      let middle = try await statement(database, after: Int64(size / 2))
      say(
        "  \(number(Double(size)))   \(number(transfer.processorMicroseconds, 1))          "
          + "\(number(first, 1))            \(number(middle, 1))")
      size *= 10
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
}

func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(1, width - text.count))
}

func number(_ value: Double, _ digits: Int = 0) -> String {
  let scale = digits == 0 ? 1.0 : 10.0
  let rounded = (value * scale).rounded() / scale
  let text = digits == 0 ? String(Int(rounded)) : String(rounded)
  return String(repeating: " ", count: max(0, 9 - text.count)) + text
}

func row(_ name: String, _ result: LoadResult) {
  say(
    "  \(padded(name, 46))\(number(result.perSecond))/s \(number(result.processorMicroseconds, 1)) µs CPU"
      + (result.refusals > 0 ? ", \(result.refusals) refused" : ""))
}

/// Prints a line at once, also into a file or a pipe.
func say(_ text: String) {
  let bytes = Array((text + "\n").utf8)
  _ = write(STDOUT_FILENO, bytes, bytes.count)
}
