import AccountingAPI
import Foundation
import RPCCore
import SQLCore
import SQLiteDriver
import SharedDomain
import StorageFaults
import Testing

@Suite("Accounting on a disk that fails (ACC-1, ACC-2)")
struct FaultyDiskTests {
  private let anna = Member.admin(of: 1)

  /// What the caller of the failing call is told. After a write that may be on the disk or not the
  /// service stops; the process would end here.
  private func expected(_ operation: FaultyDisk.Operation) -> Set<StatusCode> {
    operation == .space ? [.resourceExhausted] : [.internalError, .unavailable]
  }

  @Test(
    "whichever operation of the disk fails, the books hold and repeating settles every call",
    arguments: [.write, .space, .sync] as [FaultyDisk.Operation])
  func anyOperation(_ operation: FaultyDisk.Operation) async throws {
    var number: Int32 = 1
    while true {
      let disk = try FaultyDisk()
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("kontor-faults-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      defer { try? FileManager.default.removeItem(atPath: folder) }
      var business = Business(
        world: try await World(try open(folder, disk)), disk: disk, folder: folder)
      disk.fail(operation, number: number)
      try await business.run(anna, expected: expected(operation))
      let hasFailed = disk.hasFailed
      disk.fail(operation, number: 0)
      #expect(try await business.world.faults().isEmpty, "\(operation) \(number)")
      #expect(try await business.world.balance(anna) == 30_000 - 2 * 12_960)
      #expect(try await business.world.count("SELECT count(*) FROM invoice") == 2)
      #expect(try await business.world.count("SELECT count(*) FROM ledger_entry") == 3)
      await business.world.database.close()
      guard hasFailed else { break }
      number += 1
    }
    #expect(number > 5)
  }

  /// A customer's dealings, each repeated until it is answered.
  private struct Business {
    var world: World
    let disk: FaultyDisk
    let folder: String
    /// What the prepaid account holds by the answers.
    var balance: Int64 = 0

    mutating func run(_ anna: Member, expected: Set<StatusCode>) async throws {
      let topUp = try await settle(anna, expected) { try await $0.begin(anna, 30_000) }
      let event = try await world.event(topUp)
      _ = try await settle(anna, expected, change: 30_000) {
        try await $0.events.deliverProviderEvent(event)
      }
      for order in 1...2 as ClosedRange<UInt64> {
        _ = try await settle(anna, expected, change: -12_960) {
          try await $0.charge(anna, order: order)
        }
      }
    }

    private mutating func settle<Answer: Sendable>(
      _ anna: Member, _ expected: Set<StatusCode>, change: Int64 = 0,
      _ call: (World) async throws -> Answer
    ) async throws -> Answer {
      var refusals = 0
      while true {
        do {
          let answer = try await call(world)
          balance += change
          #expect(try await world.balance(anna) == balance)
          return answer
        } catch let error as RPCError {
          refusals += 1
          try #require(refusals == 1, "refused again: \(error)")
          #expect(expected.contains(error.code))
          #expect(!error.message.isEmpty)
          // Reads go on, and show nothing of what was refused.
          #expect(try await world.balance(anna) == balance)
          if (world.database as? SQLiteDatabase)?.failure != nil { try await restart() }
        }
      }
    }

    private mutating func restart() async throws {
      await world.database.close()
      world = try await World(open(folder, disk), clock: world.clock, shop: world.shop)
    }
  }
}

/// Opens the service's database on a faulty disk, with a short log, so that checkpoints are made.
private func open(_ folder: String, _ disk: FaultyDisk) throws -> SQLiteDatabase {
  var configuration = SQLiteConfiguration()
  configuration.virtualFileSystem = disk.name
  configuration.readers = 1
  configuration.checkpointPages = 40
  configuration.onFailure = { disk.note($0) }
  return try SQLiteDatabase(path: folder + "/accounting.db", configuration: configuration)
}
