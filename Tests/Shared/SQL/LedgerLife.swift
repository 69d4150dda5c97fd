import SQLCore
import SQLiteDriver
import StorageFaults
import Synchronization
import Testing

/// What a small ledger holds: balances and the transfers that made them.
struct LedgerBooks: Equatable, Sendable {
  var balances: [Int: Int] = [:]
  var transfers: Set<LedgerTransfer> = []

  mutating func apply(_ transfer: LedgerTransfer) {
    guard transfers.insert(transfer).inserted else { return }
    balances[transfer.debit, default: 0] -= transfer.amount
    balances[transfer.credit, default: 0] += transfer.amount
  }
}

/// An amount that moves from one account to another, once.
struct LedgerTransfer: Hashable, Sendable {
  let number: Int
  let debit: Int
  let credit: Int
  let amount: Int
}

/// A ledger that is opened, filled, read, closed and opened again while one fault happens to it,
/// compared with a model in memory at every step.
final class LedgerLife {
  /// Where an allocation fails.
  enum MemoryFault: CaseIterable, Sendable {
    /// On the thread that opens the file.
    case opening
    /// On the writer's thread: in bodies, commits and checkpoints.
    case writing
    /// On a reader's thread.
    case reading
  }

  static let accounts = 4
  let disk: FaultyDisk
  private(set) var model = LedgerBooks()
  /// The errors that callers saw.
  private(set) var refusals: [SQLError] = []
  private let folder: Folder
  private let arm: (FaultyDisk) -> Void
  private let memory: FaultyMemory?
  private let place: MemoryFault?

  /// - Parameter arm: lets something fail in a life that begins now.
  init(_ arm: @escaping (FaultyDisk) -> Void) throws {
    disk = try FaultyDisk()
    folder = try Folder(isInMemory: true)
    self.arm = arm
    memory = nil
    place = nil
  }

  init(memory place: MemoryFault, number: Int32) throws {
    disk = try FaultyDisk()
    folder = try Folder(isInMemory: true)
    arm = { _ in }
    memory = try FaultyMemory(failing: number)
    self.place = place
  }

  /// Opens the file on the faulty disk.
  func open() throws -> SQLiteDatabase {
    var configuration = SQLiteConfiguration()
    configuration.virtualFileSystem = disk.name
    configuration.readers = 1
    // Few pages in memory and a short log: the disk is read and checkpoints are made.
    configuration.cacheKibibytes = 8
    configuration.checkpointPages = 12
    let disk = disk
    configuration.onFailure = { disk.note($0) }
    return try SQLiteDatabase(path: folder.path + "/a.db", configuration: configuration)
  }

  // MARK: The life

  /// How many rounds of transfers there are. A life in which an allocation fails is lived for each of
  /// hundreds of them, and is as short as it can be with a checkpoint in it.
  private var rounds: Int {
    switch place {
    case .opening: 1
    case .writing, .reading: 2
    case nil: 4
    }
  }

  func run() async throws {
    arm(disk)
    var opened = try await opened()
    for round in 0..<rounds {
      for transfer in transfers(from: 6 * round, count: 3) {
        opened = try await settle([transfer], in: opened)
      }
      opened = try await settle(transfers(from: 6 * round + 3, count: 3), in: opened)
    }
    // Armed but not reached: no fault from here on.
    let hasFailed = disk.hasFailed
    if !hasFailed { disk.fail(.write, number: 0) }
    try await survivesPowerCut()
    await opened.close()
    let again = try open()
    #expect(try await books(again) == model)
    #expect(try await integrity(again) == ["ok"])
    await again.close()
    if !hasFailed { disk.fail(.write, number: .max) }
  }

  /// Opens and migrates; what a fault refused once succeeds the second time.
  private func opened() async throws -> SQLiteDatabase {
    var failures = 0
    while true {
      var candidate: SQLiteDatabase?
      do {
        if place == .opening { memory?.use() }
        defer { FaultyMemory.useNone() }
        candidate = try open()
      } catch let error as SQLError {
        try note(error, &failures)
        continue
      }
      let database = try #require(candidate)
      do {
        try await armThread(of: database)
        try await Migrator([Self.migration]).migrate(database)
        for account in 0..<Self.accounts { model.balances[account] = 1000 }
        return database
      } catch let error as SQLError {
        try note(error, &failures)
        await database.close()
      }
    }
  }

  /// Makes transfers in one commit, repeating what was refused, and compares the books each time.
  private func settle(
    _ transfers: [LedgerTransfer], in opened: SQLiteDatabase
  ) async throws -> SQLiteDatabase {
    var database = opened
    var rest = transfers
    var failures = 0
    while !rest.isEmpty {
      let results =
        rest.count == 1
        ? [await self.result(of: rest[0], in: database)]
        : await database.together(
          rest.map { transfer in { try Self.post(transfer, in: $0) } })
      var refused: [LedgerTransfer] = []
      var isUnknown = false
      for (transfer, result) in zip(rest, results) {
        switch result {
        case .success: model.apply(transfer)
        case .failure(let error):
          let error = try #require(error as? SQLError)
          if refused.isEmpty { try note(error, &failures) }
          refused.append(transfer)
          isUnknown = isUnknown || error.code == .io || error.code == .stopped
        }
      }
      #expect(try await booksInSpiteOfFaults(database) == model)
      if database.failure != nil {
        // What a supervisor does with a service that stopped.
        #expect(isUnknown || refused.isEmpty)
        await database.close()
        // Told by the writer's thread, which has ended now.
        #expect(disk.failures.count == 1)
        database = try open()
        // What reached the disk before the fault is there whole, or not at all.
        let found = try await books(database)
        for transfer in refused where found.transfers.contains(transfer) { model.apply(transfer) }
        #expect(found == model)
      }
      rest = refused
    }
    return database
  }

  private func note(_ error: SQLError, _ failures: inout Int) throws {
    failures += 1
    refusals.append(error)
    #expect(!error.message.isEmpty && !error.message.contains("\n"))
    // One fault refuses once; after it comes only what a stopped database says.
    try #require(failures <= 1, "refused again: \(refusals)")
  }

  /// What a power cut at this moment would leave holds everything that was answered.
  private func survivesPowerCut() async throws {
    let after = try Folder(isInMemory: true)
    #expect(disk.cutPower(into: after.path, seed: 1))
    var configuration = SQLiteConfiguration()
    configuration.readers = 1
    let survivor = try SQLiteDatabase(path: after.path + "/a.db", configuration: configuration)
    #expect(try await books(survivor) == model)
    await survivor.close()
  }
}

/// The ledger's statements.
extension LedgerLife {
  private static let migration = Migration(
    number: 1, name: "create_ledger",
    sqlite: """
      CREATE TABLE account (
        id INTEGER NOT NULL PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0),
        padding BLOB NOT NULL
      ) STRICT;
      CREATE TABLE transfer (
        number INTEGER NOT NULL PRIMARY KEY, debit INTEGER NOT NULL REFERENCES account (id),
        credit INTEGER NOT NULL REFERENCES account (id), amount INTEGER NOT NULL
      ) STRICT;
      INSERT INTO account (id, balance, padding) VALUES
        (0, 1000, zeroblob(2500)), (1, 1000, zeroblob(2500)), (2, 1000, zeroblob(2500)),
        (3, 1000, zeroblob(2500));
      """)

  private func transfers(from number: Int, count: Int) -> [LedgerTransfer] {
    (number..<number + count).map { number in
      LedgerTransfer(
        number: number, debit: number % Self.accounts, credit: (number + 1 + number / 5 % 3) % 4,
        amount: 1 + number)
    }
  }

  private static func post(
    _ transfer: LedgerTransfer, in transaction: any Transaction
  ) throws {
    let known = try transaction.first(
      "SELECT number FROM transfer WHERE number = \(transfer.number)")
    if known != nil { return }
    try transaction.execute(
      "UPDATE account SET balance = balance - \(transfer.amount) WHERE id = \(transfer.debit)")
    try transaction.execute(
      "UPDATE account SET balance = balance + \(transfer.amount) WHERE id = \(transfer.credit)")
    try transaction.execute(
      """
      INSERT INTO transfer (number, debit, credit, amount)
      VALUES (\(transfer.number), \(transfer.debit), \(transfer.credit), \(transfer.amount))
      """)
  }

  private func result(
    of transfer: LedgerTransfer, in database: SQLiteDatabase
  ) async -> Result<Void, any Error> {
    do {
      try await database.write { try Self.post(transfer, in: $0) }
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  func books(_ database: any Database) async throws -> LedgerBooks {
    try await database.read { transaction in
      var books = LedgerBooks()
      for row in try transaction.rows("SELECT id, balance FROM account") {
        books.balances[try row.int("id")] = try row.int("balance")
      }
      for row in try transaction.rows("SELECT number, debit, credit, amount FROM transfer") {
        books.transfers.insert(
          LedgerTransfer(
            number: try row.int("number"), debit: try row.int("debit"),
            credit: try row.int("credit"), amount: try row.int("amount")))
      }
      return books
    }
  }

  /// A read that a fault refuses succeeds the second time.
  private func booksInSpiteOfFaults(_ database: SQLiteDatabase) async throws -> LedgerBooks {
    var failures = 0
    while true {
      do {
        return try await books(database)
      } catch let error as SQLError {
        try note(error, &failures)
      }
    }
  }

  private func integrity(_ database: any Database) async throws -> [String] {
    try await database.read { transaction in
      try transaction.rows("PRAGMA integrity_check").map { try $0.text(0) }
    }
  }
}

/// Allocations.
extension LedgerLife {
  var memoryHasFailed: Bool { memory?.hasFailed ?? false }

  /// Lets the allocations count of the thread that they are to fail on.
  private func armThread(of database: SQLiteDatabase) async throws {
    guard let memory, !memory.hasFailed else { return }
    switch place {
    case .writing: try await database.write { _ in memory.use() }
    case .reading: try await database.read { _ in memory.use() }
    case .opening, nil: break
    }
  }
}
