import SQLCore
import TestSupport
import Testing

/// What every driver does alike.
@Suite struct ConformanceTests {
  private struct Refused: Error, Equatable {}

  private func prepared(
    _ driver: Driver, _ body: (any Database) async throws -> Void
  ) async throws {
    try await withDatabase(driver) { database in
      try await Migrator([conformanceMigration]).migrate(database)
      try await database.write { transaction in
        try transaction.execute("INSERT INTO parent (id) VALUES (\("p"))")
      }
      try await body(database)
    }
  }

  private func insert(_ id: Int, login: String?, amount: Int = 0) -> SQL {
    "INSERT INTO child (id, parent_id, login, amount) VALUES (\(id), \("p"), \(login), \(amount))"
  }

  private func count(_ database: any Database) async throws -> Int {
    try await database.read { transaction in
      try transaction.first("SELECT count(*) AS n FROM child")?.int("n") ?? -1
    }
  }

  @Test(arguments: Driver.allCases)
  func `every kind of value comes back as it was bound`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      let text = "Zürich 🏔 '; --\"?1 $1"
      let blob = (0...255).map { UInt8($0) }
      let rows = try await database.write { transaction in
        try transaction.execute(
          """
          INSERT INTO child (id, parent_id, login, amount, body)
          VALUES (\(Int64.min), \("p"), \(text), \(Int64.max), \(blob)),
            (\(1), \("p"), \(""), \(0), \([UInt8]())),
            (\(2), \("p"), \(String?.none), \(0), \([UInt8]?.none))
          """)
        return try transaction.rows("SELECT id, login, amount, body FROM child ORDER BY id")
      }
      #expect(
        rows.map(\.values) == [
          [.integer(.min), .text(text), .integer(.max), .blob(blob)],
          [.integer(1), .text(""), .integer(0), .blob([])],
          [.integer(2), .null, .integer(0), .null],
        ])
      #expect(rows[0].columns == ["id", "login", "amount", "body"])
    }
  }

  @Test(arguments: Driver.allCases)
  func `a statement tells how many rows it changed`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      let counts = try await database.write { transaction in
        [
          try transaction.execute(insert(1, login: "a")),
          try transaction.execute(insert(2, login: "b")),
          try transaction.execute("UPDATE child SET amount = 5 WHERE id > 0"),
          try transaction.execute("UPDATE child SET amount = 6 WHERE id > 100"),
          try transaction.execute("SELECT id FROM child"),
          try transaction.execute(
            "INSERT INTO parent (id) VALUES (\("p")) ON CONFLICT (id) DO NOTHING"),
          try transaction.execute("DELETE FROM child WHERE id = \(1)"),
        ]
      }
      #expect(counts == [1, 1, 2, 0, 0, 0, 1])
    }
  }

  @Test(arguments: Driver.allCases)
  func `RETURNING gives the changed rows`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      let amount = try await database.write { transaction in
        try transaction.execute(insert(1, login: "a", amount: 10))
        let row = try transaction.first(
          "UPDATE child SET amount = amount - \(4) WHERE id = \(1) RETURNING amount")
        return try row?.int64("amount")
      }
      #expect(amount == 6)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a body's error rolls back its own changes and is rethrown`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      await #expect(throws: Refused()) {
        try await database.write { transaction in
          try transaction.execute(insert(1, login: "a"))
          throw Refused()
        }
      }
      let stored = try await count(database)
      #expect(stored == 0)
    }
  }

  @Test(arguments: Driver.allCases)
  func `constraints are told by name and column`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      try await database.write { transaction in
        try transaction.execute(insert(1, login: "a"))
        try transaction.execute(insert(5, login: "Upper", amount: 2000))
      }
      // SQLite does not tell which one.
      let foreignKey = driver == .sqlite ? nil : "child_parent_id_fkey"
      let cases: [(SQL, SQLError.Code)] = [
        (insert(1, login: "b"), .unique(["child.id"])),
        (insert(2, login: "a"), .unique(["child.parent_id", "child.login"])),
        (insert(2, login: "upper", amount: 2000), .unique(["index:child_login_key"])),
        (insert(2, login: "c", amount: -1), .check("child_amount_not_negative")),
        (
          "INSERT INTO child (id, parent_id, amount) VALUES (3, 'p', NULL)",
          .notNull("child.amount")
        ),
        (
          "INSERT INTO child (id, parent_id, amount) VALUES (3, 'missing', 0)",
          .foreignKey(foreignKey)
        ),
        ("DELETE FROM parent WHERE id = \("p")", .foreignKey(foreignKey)),
      ]
      for (sql, code) in cases {
        await #expect(throws: SQLError(code, "")) {
          try await database.write { transaction in try transaction.execute(sql) }
        }
      }
      #expect(try await count(database) == 2)
    }
  }

  @Test(arguments: Driver.allCases)
  func `after a failed statement the transaction is over`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      await #expect(throws: SQLError(.aborted, "")) {
        try await database.write { transaction in
          try transaction.execute(insert(1, login: "a"))
          _ = try? transaction.execute(insert(1, login: "b"))
          try transaction.execute(insert(2, login: "b"))
        }
      }
      await #expect(throws: SQLError(.unique(["child.id"]), "")) {
        try await database.write { transaction in
          try transaction.execute(insert(1, login: "a"))
          _ = try? transaction.execute(insert(1, login: "b"))
        }
      }
      let stored = try await count(database)
      #expect(stored == 0)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a deferred foreign key fails only its own body`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      await withTaskGroup(of: Bool.self) { group in
        for id in 0..<40 {
          group.addTask {
            let parent = id % 10 == 3 ? "missing" : "p"
            do {
              try await database.write { transaction in
                try transaction.execute(
                  "INSERT INTO deferred_child (id, parent_id) VALUES (\(id), \(parent))")
              }
              return parent == "p"
            } catch {
              let name = driver == .sqlite ? nil : "deferred_child_parent_id_fkey"
              return parent != "p" && error as? SQLError == SQLError(.foreignKey(name), "")
            }
          }
        }
        for await isAsExpected in group { #expect(isAsExpected) }
      }
      let stored = try await database.read { transaction in
        try transaction.first("SELECT count(*) FROM deferred_child")?.int(0)
      }
      #expect(stored == 36)
    }
  }

  @Test(arguments: Driver.allCases)
  func `of many concurrent bodies exactly those that fail are rolled back`(
    _ driver: Driver
  ) async throws {
    try await prepared(driver) { database in
      await withTaskGroup(of: Void.self) { group in
        for id in 0..<300 {
          group.addTask {
            do {
              try await database.write { transaction in
                try transaction.execute(insert(id, login: "login \(id)"))
                switch id % 3 {
                case 0: throw Refused()
                case 1: try transaction.execute(insert(id, login: "again"))
                default: break
                }
              }
              #expect(id % 3 == 2)
            } catch is Refused {
              #expect(id % 3 == 0)
            } catch {
              #expect(id % 3 == 1)
              #expect(error as? SQLError == SQLError(.unique(["child.id"]), ""))
            }
          }
        }
      }
      let kept = try await database.read { transaction in
        try transaction.rows("SELECT id FROM child ORDER BY id").map { try $0.int(0) }
      }
      #expect(kept == (0..<300).filter { $0 % 3 == 2 })
    }
  }

  @Test(arguments: Driver.allCases)
  func `concurrent increments are never lost`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      try await database.write { transaction in
        try transaction.execute(insert(1, login: nil))
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<200 {
          group.addTask {
            try await database.write { transaction in
              let row = try transaction.first("SELECT amount FROM child WHERE id = 1")
              let amount = try row?.int64("amount") ?? -1
              try transaction.execute("UPDATE child SET amount = \(amount + 1) WHERE id = 1")
            }
          }
        }
        try await group.waitForAll()
      }
      let amount = try await database.read { transaction in
        try transaction.first("SELECT amount FROM child WHERE id = 1")?.int64(0)
      }
      #expect(amount == 200)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a read sees every write that had returned, and cannot write`(
    _ driver: Driver
  ) async throws {
    try await prepared(driver) { database in
      for id in 0..<20 {
        try await database.write { transaction in
          try transaction.execute(insert(id, login: nil))
        }
        #expect(try await count(database) == id + 1)
      }
      await #expect(throws: SQLError(.readOnly, "")) {
        try await database.read { transaction in
          try transaction.execute("DELETE FROM child")
        }
      }
      #expect(try await count(database) == 20)
    }
  }

  @Test(arguments: Driver.allCases)
  func `wrong statements are refused`(_ driver: Driver) async throws {
    try await prepared(driver) { database in
      let wrong: [SQL] = [
        "SELEC 1", "SELECT x FROM nowhere", "", "COMMIT", "SAVEPOINT s",
        "SELECT 1; DELETE FROM child",
      ]
      for sql in wrong {
        await #expect(throws: SQLError(.misuse, "")) {
          try await database.write { transaction in try transaction.execute(sql) }
        }
      }
    }
  }

  @Test(arguments: Driver.allCases)
  func `a closed database refuses calls`(_ driver: Driver) async throws {
    try await withDatabase(driver) { database in
      try await database.write { _ in }
      await database.close()
      await database.close()
      await #expect(throws: SQLError(.closed, "")) { try await database.write { _ in } }
      await #expect(throws: SQLError(.closed, "")) { try await database.read { _ in } }
    }
  }
}
