import Dispatch
import PostgresDriver
import SQLCore
import TestSupport
import Testing

/// What the operator's copies rest on.
@Suite(.enabled(if: PostgresServer.isExpected), .onOwnThread)
struct PostgresSnapshotTests {
  /// A database with a table, and its URL.
  private func prepared(
    lockTimeoutMilliseconds: Int = 5_000, _ body: (PostgresDatabase, String) async throws -> Void
  ) async throws {
    let url = try await PostgresServer.newSchema()
    var configuration = PostgresServer.testConfiguration
    configuration.lockTimeoutMilliseconds = lockTimeoutMilliseconds
    let database = try PostgresDatabase(url: url, configuration: configuration)
    try await database.write { transaction in
      try transaction.script("CREATE TABLE a (n bigint PRIMARY KEY, b text); CREATE TABLE c ()")
    }
    try await body(database, url)
    await database.close()
  }

  @Test func `a snapshot waits for what is under way, and not for ever`() async throws {
    try await prepared { database, url in
      let begun = DispatchSemaphore(value: 0)
      let end = DispatchSemaphore(value: 0)
      async let write: Void = database.write { transaction in
        try transaction.execute("INSERT INTO a (n) VALUES (1)")
        begun.signal()
        end.wait()
      }
      wait(for: begun)
      let early = try PostgresSnapshot(of: url)
      #expect(throws: SQLError(.busy, "")) { try early.holdWriters(patience: .milliseconds(50)) }
      early.close()
      end.signal()
      try await write
      let snapshot = try PostgresSnapshot(of: url)
      defer { snapshot.close() }
      try snapshot.holdWriters(patience: .seconds(10))
      #expect(try snapshot.contents()["a"]?.hasPrefix("1 rows ") == true)
    }
  }

  @Test func `nobody writes until the writers are released, and then the snapshot stays`()
    async throws
  {
    try await prepared(lockTimeoutMilliseconds: 50) { database, url in
      let snapshot = try PostgresSnapshot(of: url)
      defer { snapshot.close() }
      try snapshot.holdWriters(patience: .seconds(10))
      await #expect(throws: SQLError(.busy, "")) {
        try await database.write { try $0.execute("INSERT INTO a (n) VALUES (1)") }
      }
      // Who reads goes on.
      #expect(try await database.read { try $0.rows("SELECT n FROM a").count } == 0)
      snapshot.releaseWriters()
      try await database.write { try $0.execute("INSERT INTO a (n) VALUES (1)") }
      #expect(try snapshot.contents() == ["a": "0 rows 0", "c": "0 rows 0"])
      #expect(!snapshot.name.isEmpty)
    }
  }

  @Test func `contents are the same for the same rows in whichever order, and for no others`()
    async throws
  {
    let fillings: [SQL] = [
      "INSERT INTO a VALUES (1, 'x'), (2, NULL)", "INSERT INTO a VALUES (2, NULL), (1, 'x')",
      "INSERT INTO a VALUES (1, 'y'), (2, NULL)", "INSERT INTO a VALUES (1, 'x'), (2, '')",
      "INSERT INTO a VALUES (1, 'x')",
    ]
    var contents: [String?] = []
    for filling in fillings {
      try await prepared { database, url in
        try await database.write { try $0.execute(filling) }
        let snapshot = try PostgresSnapshot(of: url)
        defer { snapshot.close() }
        contents.append(try snapshot.contents()["a"])
      }
    }
    #expect(contents[0] == contents[1])
    #expect(Set(contents).count == fillings.count - 1)
  }

  @Test func `a database is made, renamed and removed`() async throws {
    let name = "made \"to go\""
    let url = try await PostgresServer.missingDatabase("any")
    let server = try PostgresAdministration(url: url)
    defer { server.close() }
    #expect(try server.majorVersion() >= 13)
    #expect(try !server.hasDatabase(name))
    try server.makeDatabase(name)
    #expect(try server.hasDatabase(name))
    #expect(throws: SQLError.self) { try server.makeDatabase(name) }
    try server.makeDatabase("other_to_go")
    let names = [
      (name: name, other: "renamed_to_go"), (name: "other_to_go", other: "second_to_go"),
    ]
    // Where one cannot be renamed, none is.
    let second = try PostgresAdministration(url: url)
    #expect(throws: SQLError.self) {
      try second.renameDatabases(names + [(name: "missing", other: "third_to_go")])
    }
    second.close()
    #expect(try server.hasDatabase(name) && server.hasDatabase("other_to_go"))
    try server.renameDatabases(names)
    #expect(try server.hasDatabase("renamed_to_go") && !server.hasDatabase(name))
    #expect(try server.hasDatabase("second_to_go"))
    try server.dropDatabase("renamed_to_go")
    try server.dropDatabase("renamed_to_go")
    try server.dropDatabase("second_to_go")
    #expect(try !server.hasDatabase("renamed_to_go"))
  }

  @Test func `a lock of the server's is held by one connection`() async throws {
    let url = try await PostgresServer.missingDatabase("any")
    let first = try PostgresAdministration(url: url)
    let second = try PostgresAdministration(url: url)
    #expect(try first.takeLock(7))
    #expect(try !second.takeLock(7))
    first.close()
    while try !second.takeLock(7) { await Task.yield() }
    second.close()
  }

  private func wait(for semaphore: DispatchSemaphore) { semaphore.wait() }
}
