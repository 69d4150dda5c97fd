import SQLCore
import SQLiteDriver
import StorageFaults
import Testing

/// The life of a small ledger, over and over: each time another operation of the disk, or another
/// allocation, fails, until a life passes without a fault.
///
/// After every fault the caller has a clear error, nothing is half done, the books read as before,
/// and what was refused succeeds when it is repeated; after a write that may or may not be on the
/// disk, when the database has been opened again (promise 8).
@Suite struct FaultInjectionTests {
  @Test(arguments: FaultyDisk.Operation.allCases)
  func `any operation of the disk may fail`(_ operation: FaultyDisk.Operation) async throws {
    var number: Int32 = 1
    while true {
      let life = try LedgerLife { $0.fail(operation, number: number) }
      try await life.run()
      guard life.disk.hasFailed else { break }
      #expect(
        Set(life.refusals.map(\.code)).isSubset(of: expected(operation)),
        "\(operation) \(number): \(life.refusals)")
      number += 1
    }
    // Else nothing was tried.
    #expect(number > 3)
  }

  private func expected(_ operation: FaultyDisk.Operation) -> Set<SQLError.Code> {
    switch operation {
    case .space: [.full]
    case .open: [.cannotOpen]
    // SQLite takes a schema that it could not read again for one without the table.
    case .read: [.io, .stopped, .cannotOpen, .misuse]
    case .write, .sync, .truncate: [.io, .stopped]
    }
  }

  @Test(arguments: LedgerLife.MemoryFault.allCases)
  func `any allocation may fail`(_ place: LedgerLife.MemoryFault) async throws {
    var number: Int32 = 1
    while true {
      let life = try LedgerLife(memory: place, number: number)
      try await life.run()
      guard life.memoryHasFailed else { break }
      // A lock's memory that could not be had is an error of the disk to SQLite.
      let expected: Set<SQLError.Code> = place == .opening ? [.outOfMemory, .io] : [.outOfMemory]
      #expect(
        Set(life.refusals.map(\.code)).isSubset(of: expected),
        "\(place) \(number): \(life.refusals)")
      number += 1
    }
    #expect(number > 100)
  }

  @Test func `a database on a read-only disk is refused in one line, its rows unharmed`()
    async throws
  {
    let life = try LedgerLife { _ in }
    try await life.run()
    life.disk.setReadOnly(true)
    let error = #expect(throws: SQLError.self) { try life.open() }
    #expect(error?.code == .readOnly || error?.code == .cannotOpen)
    #expect(error?.message.contains("\n") == false)
    life.disk.setReadOnly(false)
    let database = try life.open()
    #expect(try await life.books(database) == life.model)
    await database.close()
  }
}
