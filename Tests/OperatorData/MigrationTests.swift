import Foundation
import SQLCore
import SQLiteDriver
import TestSupport
import Testing

@testable import OperatorData

/// Every service's database, from every version that it ever had.
@Suite struct MigrationTests {
  @Test(arguments: ServiceData.all.map(\.name), Driver.allCases)
  func `a database of any earlier version comes up to this one with its rows`(
    _ service: String, _ driver: Driver
  ) async throws {
    let data = try #require(ServiceData.all.first { $0.name == service })
    let steps = data.migrations.sorted { $0.number < $1.number }
    for version in 1...steps.count {
      try await withDatabase(driver) { database in
        try await Migrator(Array(steps.prefix(version))).migrate(database)
        try await database.write { try Fixture.fill($0) }
        let before = try await database.read { try Fixture.content(in: $0) }
        #expect(before.values.allSatisfy { !$0.isEmpty })
        let added = try await Migrator(steps).migrate(database)
        #expect(added == Array(steps.dropFirst(version)), "from version \(version)")
        let after = try await database.read { try Fixture.content(in: $0) }
        let isRearranged = added.contains { $0.name == "append_ledger" }
        for (table, rows) in before where !isRearranged || !table.hasPrefix("ledger_") {
          // Where the ledger's rows went, AccountingTests tell.
          if isRearranged && table == "prepaid_movement" { continue }
          let kept = after[table]?.map { row in row.filter { rows[0].keys.contains($0.key) } }
          #expect(kept == rows, "\(table) from version \(version)")
        }
        try await database.read { transaction in
          let pending = try Migrator(steps).pending(in: transaction)
          #expect(pending.isEmpty)
          // PostgreSQL has no such checks, and no way around its constraints.
          guard driver == .sqlite else { return }
          let check = try transaction.rows("PRAGMA integrity_check")
          #expect(check.map(\.values) == [[.text("ok")]])
          let references = try transaction.rows("PRAGMA foreign_key_check")
          #expect(references.isEmpty)
        }
      }
    }
  }

  @Test func `of two programs that migrate one database at once, one does and the other waits`()
    async throws
  {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("kontor-migrations-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/a.db"
    await (try SQLiteDatabase(path: path)).close()
    let migrations = ServiceData.all[0].migrations
    let first = try StackData.guest(path)
    let second = try StackData.guest(path)
    async let one = Migrator(migrations).migrate(first)
    async let other = Migrator(migrations).migrate(second)
    let counts = try await [one.count, other.count].sorted()
    #expect(counts == [0, migrations.count])
    await first.close()
    await second.close()
  }

  @Test(arguments: Driver.allCases)
  func `a service's database that a newer program wrote is refused`(
    _ driver: Driver
  ) async throws {
    for data in ServiceData.all {
      try await withDatabase(driver) { database in
        try await Migrator(data.migrations).migrate(database)
        let older = Migrator(data.migrations.filter { $0.number != 100 })
        let error = await #expect(throws: SQLError.self) { try await older.migrate(database) }
        #expect(error?.code == .migration)
        #expect(error?.message.contains("newer program") == true)
      }
    }
  }
}
