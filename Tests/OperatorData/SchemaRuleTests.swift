import SQLCore
import TestSupport
import Testing

@testable import OperatorData

/// What the databases themselves refuse, rule by rule: every CHECK and every trigger of every
/// service has a change here that it alone refuses, and no rule is missing or without such a change.
@Suite struct SchemaRuleTests {
  @Test(arguments: ServiceData.all.map(\.name), Driver.allCases)
  func `every CHECK refuses what it is there for`(
    _ service: String, _ driver: Driver
  ) async throws {
    try await withFilledDatabase(service, driver) { database in
      try await database.write { try SchemaRules.disableTriggers(in: $0) }
      let rules = RefusedChanges.byCheck(of: service)
      let names = try await database.read { try SchemaRules.checks(in: $0) }
      #expect(Set(names) == Set(rules.keys))
      for (name, changes) in rules {
        for change in changes {
          let error = await refusal(of: [change], database)
          #expect(error?.code == .check(name), "\(change)")
        }
      }
    }
  }

  @Test(arguments: ServiceData.all.map(\.name), Driver.allCases)
  func `every trigger refuses what it is there for`(
    _ service: String, _ driver: Driver
  ) async throws {
    try await withFilledDatabase(service, driver) { database in
      let rules = RefusedChanges.byTrigger(of: service, on: database.dialect)
      let names = try await database.read { try SchemaRules.triggers(in: $0) }
      #expect(Set(names) == Set(rules.keys))
      for (name, cases) in rules {
        for changes in cases {
          let error = await refusal(of: changes, database)
          #expect(error?.code == .constraint(name), "\(changes)")
        }
      }
    }
  }

  private func withFilledDatabase(
    _ service: String, _ driver: Driver, _ body: (any Database) async throws -> Void
  ) async throws {
    let data = try #require(ServiceData.all.first { $0.name == service })
    try await withDatabase(driver) { database in
      try await Migrator(data.migrations).migrate(database)
      try await database.write { try Fixture.fill($0) }
      try await body(database)
    }
  }

  /// What the last of some changes is refused with; nothing of them stays.
  private func refusal(of changes: [String], _ database: any Database) async -> SQLError? {
    await #expect(throws: SQLError.self) {
      try await database.write { transaction in
        for change in changes {
          let text = RefusedChanges.text(of: change, for: transaction.dialect)
          try transaction.execute(SQL(trustedText: text))
        }
      }
    }
  }
}

/// What a database has in rules.
private enum SchemaRules {
  static func checks(in transaction: any Transaction) throws -> [String] {
    switch transaction.dialect {
    case .sqlite:
      return try transaction.rows("SELECT sql FROM sqlite_schema WHERE type = 'table'").flatMap {
        row throws -> [String] in
        let text = try row.text("sql")
        let named = text.matches(of: /CONSTRAINT\s+(\w+)\s+CHECK/).map { String($0.1) }
        #expect(named.count == text.matches(of: /CHECK \(/).count, "a CHECK without a name")
        return named
      }
    case .postgres:
      return try transaction.rows(
        """
        SELECT conname AS name FROM pg_constraint
        WHERE contype = 'c' AND connamespace = current_schema()::regnamespace ORDER BY conname
        """
      ).map { try $0.text("name") }
    }
  }

  static func triggers(in transaction: any Transaction) throws -> [String] {
    let query: SQL =
      switch transaction.dialect {
      case .sqlite: "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
      case .postgres:
        """
        SELECT t.tgname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
        """
      }
    return try transaction.rows(query).map { try $0.text("name") }
  }

  /// Lets the changes through to the CHECKs.
  static func disableTriggers(in transaction: any Transaction) throws {
    switch transaction.dialect {
    case .sqlite:
      for name in try triggers(in: transaction) { try transaction.script("DROP TRIGGER \(name)") }
    case .postgres:
      for table in try Fixture.tables(in: transaction) {
        try transaction.script("ALTER TABLE \(table) DISABLE TRIGGER USER")
      }
    }
  }
}
