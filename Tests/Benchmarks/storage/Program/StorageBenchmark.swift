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
/// - `transfers FOLDER COUNT [books|idempotency|audit|outbox]...`: only makes so many transfers on
///   SQLite, with the named parts or all of them, for a profiler.
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

  /// Waits in a function that is not asynchronous: valgrind cannot follow one that is.
  static func main() {
    Task.detached {
      do {
        try await run()
        exit(0)
      } catch {
        say("failed: \(error)")
        exit(1)
      }
    }
    while true { pause() }
  }

  private static func run() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let generator = IdentifierGenerator(clock: RealClock())
    if arguments.count == 2, arguments[0] == "migrate" {
      let database = try await PostgresDatabase.open(url: arguments[1])
      try await Migrator(schema).migrate(database)
      return await database.close()
    }
    if arguments.count >= 3, arguments[0] == "transfers", let count = Int(arguments[2]) {
      let benchmark = StorageBenchmark(
        folder: arguments[1], seconds: 0, organizations: (0..<1000).map { _ in generator.next() })
      return try await benchmark.transfers(count, TransferParts(named: arguments.dropFirst(3)))
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
             storage-benchmark transfers FOLDER COUNT [books|idempotency|audit|outbox]...
      """)
    exit(2)
  }

  func transfers(_ count: Int, _ parts: TransferParts) async throws {
    let database = try SQLiteDatabase(path: "\(folder)/transfers.db")
    try await Migrator(Self.schema).migrate(database)
    try await make(database, count, parts)
    say("\(count) transfers in \(database.statistics.commits) commits")
    await database.close()
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
    try await alone()

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
    var costs: [String] = []
    var last = whole
    for (name, without, parts) in [
      ("  without the call", "call", .all),
      ("  without the outbox", "outbox", .all.subtracting(.outbox)),
      ("  nor the audit log", "audit log", [.books, .idempotency]),
      ("  nor idempotency", "idempotency", .books),
      ("  nor the books: two balances, one row", "books", []),
    ] as [(String, String, TransferParts)] {
      let result = try await direct(database, parts)
      row(name, result)
      let cost = last.processorMicroseconds - result.processorMicroseconds
      costs.append("\(without) \(number(cost, 1).trimmed)")
      last = result
    }
    say("  µs CPU of each part: \(costs.joined(separator: ", "))")
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

extension String {
  /// Without the spaces in front.
  var trimmed: Substring { drop { $0 == " " } }
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
