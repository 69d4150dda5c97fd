import PostgresDriver
import SQLCore
import Synchronization
import TestSupport
import Testing

/// Shows where PostgreSQL is left out of all the suites that run on both drivers.
@Test(
  .enabled(
    if: PostgresServer.isExpected,
    "PostgreSQL is not installed (Debian package postgresql): its tests are left out"))
func `PostgreSQL is tested`() async throws {
  try await PostgresServer.withDatabase { database in try await database.read { _ in } }
}

/// What only the PostgreSQL driver does.
@Suite(.enabled(if: PostgresServer.isExpected))
struct PostgresTests {
  private func prepared(
    _ configuration: PostgresConfiguration = PostgresServer.testConfiguration,
    _ body: (PostgresDatabase) async throws -> Void
  ) async throws {
    try await PostgresServer.withDatabase(configuration) { database in
      try await Migrator([conformanceMigration]).migrate(database)
      try await database.write { transaction in
        try transaction.execute("INSERT INTO parent (id) VALUES (\("p"))")
      }
      try await body(database)
    }
  }

  @Test func `whole numbers of every type come back, and nothing else unnoticed`() async throws {
    try await PostgresServer.withDatabase { database in
      let row = try await database.read { transaction in
        try transaction.first(
          """
          SELECT 1::smallint AS a, -2::integer AS b, true AS c, false AS d,
            sum(x) AS e, 9223372036854775807::numeric AS f, -9223372036854775808::numeric AS g,
            0::numeric AS h, 120000::numeric AS i, 10000.00::numeric AS j, 'x'::varchar AS k,
            'y'::name AS l, NULL::date AS m, \(String?.none) || 'z' AS n
          FROM (VALUES (9223372036854775807), (-1), (-12345)) AS v (x)
          """)
      }
      #expect(
        row?.values == [
          .integer(1), .integer(-2), .integer(1), .integer(0), .integer(.max - 12346),
          .integer(.max), .integer(.min), .integer(0), .integer(120_000), .integer(10_000),
          .text("x"), .text("y"), .null, .null,
        ])
      let refused: [SQL] = [
        "SELECT 1.5::numeric", "SELECT 0.00001::numeric", "SELECT 9223372036854775808::numeric",
        "SELECT 'NaN'::numeric", "SELECT 1.0::float8", "SELECT current_date",
      ]
      for sql in refused {
        await #expect(throws: SQLError(.unexpectedValue, "")) {
          try await database.read { transaction in try transaction.first(sql) }
        }
      }
    }
  }

  @Test func `text with NUL is refused, not cut`() async throws {
    try await PostgresServer.withDatabase { database in
      let error = await #expect(throws: SQLError.self) {
        try await database.read { transaction in try transaction.first("SELECT \("secret\0x")") }
      }
      #expect(error?.code == .misuse)
      #expect(error?.message.contains("secret") == false)
    }
  }

  /// Two databases whose writers do not take turns: nothing has been migrated.
  private func withoutTurns(
    _ configuration: PostgresConfiguration = PostgresServer.testConfiguration,
    _ body: (PostgresDatabase, PostgresDatabase) async throws -> Void
  ) async throws {
    try await PostgresServer.withReplicas(configuration) { first, second in
      try await first.write { transaction in
        try transaction.script(conformanceMigration.postgres)
        try transaction.execute("INSERT INTO parent (id) VALUES ('p')")
        try transaction.execute("INSERT INTO child (id, parent_id, amount) VALUES (1, 'p', 1)")
        try transaction.execute("INSERT INTO child (id, parent_id, amount) VALUES (2, 'p', 1)")
      }
      try await body(first, second)
    }
  }

  @Test func `a body that collides runs again`() async throws {
    try await withoutTurns { first, second in
      // Each may take one away as long as both are there: together they would take both. Both have
      // read before either writes.
      let runs = Counter()
      let meeting = Meeting(of: 2)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (id, database) in [(1, first), (2, second)] {
          group.addTask {
            try await database.write { transaction in
              let isFirstRun = runs.next() <= 2
              let sum = try transaction.first("SELECT sum(amount) FROM child")?.int(0) ?? 0
              if isFirstRun { meeting.wait() }
              if sum == 2 {
                try transaction.execute("UPDATE child SET amount = 0 WHERE id = \(id)")
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let sum = try await first.read { transaction in
        try transaction.first("SELECT sum(amount) FROM child")?.int(0)
      }
      #expect(sum == 1)
      #expect(runs.count == 3)
      #expect(first.statistics.collisions + second.statistics.collisions == 1)
    }
  }

  @Test func `a body that collides for ever ends in a serialization error`() async throws {
    var configuration = PostgresServer.testConfiguration
    configuration.maximumAttempts = 3
    try await PostgresServer.withDatabase(configuration) { database in
      let runs = Counter()
      await #expect(throws: SQLError(.serialization, "")) {
        try await database.write { transaction in
          _ = runs.next()
          try transaction.script("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")
        }
      }
      #expect(runs.count == 3)
    }
  }

  @Test func `a connection lost before the commit is made anew and the body runs again`()
    async throws
  {
    try await prepared { database in
      let runs = Counter()
      try await database.write { transaction in
        let run = runs.next()
        try transaction.execute(
          "INSERT INTO child (id, parent_id, amount) VALUES (\(run), 'p', 1)")
        if run == 1 { try transaction.execute("SELECT pg_terminate_backend(pg_backend_pid())") }
      }
      let ids = try await database.read { transaction in
        try transaction.rows("SELECT id FROM child").map { try $0.int(0) }
      }
      #expect(ids == [2])
    }
  }

  @Test func `a commit whose outcome is unknown is told and not repeated`() async throws {
    try await prepared { database in
      try await database.write { transaction in
        try transaction.script(
          """
          CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION lose()
          """)
      }
      let runs = Counter()
      let error = await #expect(throws: SQLError.self) {
        try await database.write { transaction in
          _ = runs.next()
          try transaction.execute("INSERT INTO child (id, parent_id, amount) VALUES (1, 'p', 1)")
        }
      }
      #expect(error?.code == .connectionLost)
      #expect(error?.message.contains("outcome is unknown") == true)
      #expect(runs.count == 1)
      try await database.write { _ in }
    }
  }

  @Test func `a server that is away is an error without the password`() async throws {
    var configuration = PostgresServer.testConfiguration
    configuration.reconnectPatience = .milliseconds(20)
    configuration.reconnectPause = .milliseconds(1)
    let outages = Counter()
    configuration.connections = 1
    configuration.onOutage = { _ in _ = outages.next() }
    let error = await #expect(throws: SQLError.self) {
      try await PostgresDatabase.open(
        url: "postgres://kontor:hidden@/x?host=/nowhere", configuration: configuration)
    }
    #expect(error?.code == .cannotOpen)
    #expect(error?.message.contains("hidden") == false)
    #expect(outages.count == 1)
    for url in ["http://x", "host=x password=hidden", "postgres://a:hidden@[x", ""] {
      let error = #expect(throws: SQLError.self) { try PostgresDatabase(url: url) }
      #expect(error?.code == .cannotOpen)
      #expect(error?.message.contains("hidden") == false)
    }
  }

  @Test func `a missing database is made once, on request, by whoever comes first`() async throws {
    let url = try await PostgresServer.missingDatabase("made%20%22here%22")
    await #expect(throws: SQLError(.cannotOpen, "")) {
      try await PostgresDatabase.open(url: url, configuration: impatient)
    }
    let settings = try await withThrowingTaskGroup(of: String?.self) { group in
      for _ in 0..<4 {
        group.addTask { [impatient] in
          let database = try await PostgresDatabase.open(
            url: url, isMadeIfMissing: true, configuration: impatient)
          let row = try await database.read { transaction in
            try transaction.first(
              """
              SELECT datname || ' ' || datcollate || ' ' || pg_encoding_to_char(encoding)
              FROM pg_database WHERE datname = current_database()
              """)
          }
          await database.close()
          return try row?.text(0)
        }
      }
      return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
    }
    #expect(settings == ["made \"here\" C UTF8"])
    await #expect(throws: SQLError(.cannotOpen, "")) {
      try await PostgresDatabase.open(
        url: "postgres://x@/y?host=/nowhere", isMadeIfMissing: true, configuration: impatient)
    }
  }

  /// One connection that gives up at once.
  private var impatient: PostgresConfiguration {
    var configuration = PostgresServer.testConfiguration
    configuration.connections = 1
    configuration.reconnectPatience = .zero
    configuration.reconnectPause = .milliseconds(1)
    return configuration
  }

  @Test func `a lock that is held too long is an error, and nothing is changed`() async throws {
    var configuration = PostgresServer.testConfiguration
    configuration.lockTimeoutMilliseconds = 10
    try await withoutTurns(configuration) { first, second in
      let held = Meeting(of: 2)
      let done = Meeting(of: 2)
      async let holder: Void = first.write { transaction in
        try transaction.execute("UPDATE parent SET id = id")
        held.wait()
        done.wait()
      }
      await #expect(throws: SQLError(.busy, "")) {
        try await second.write { transaction in
          held.wait()
          try transaction.execute("INSERT INTO child (id, parent_id, amount) VALUES (3, 'p', 1)")
          try transaction.execute("UPDATE parent SET id = id")
        }
      }
      done.wait()
      try await holder
      let count = try await second.read { transaction in
        try transaction.first("SELECT count(*) FROM child")?.int(0)
      }
      #expect(count == 2)
    }
  }

  @Test func `where the server gives one connection only, all work is done on it`() async throws {
    try await PostgresServer.withDatabase { administration in
      let role = "narrow_\(UInt32.random(in: 0...UInt32.max))"
      try await administration.write { transaction in
        try transaction.script(
          """
          CREATE ROLE \(role) LOGIN CONNECTION LIMIT 1;
          CREATE TABLE x (x bigint);
          DO $$ BEGIN EXECUTE format('GRANT ALL ON SCHEMA %I TO \(role)', current_schema()); END $$;
          GRANT ALL ON x TO \(role)
          """)
      }
      let schema = try await administration.read { transaction in
        try transaction.first("SELECT current_schema()")?.text(0)
      }
      var configuration = PostgresServer.testConfiguration
      configuration.reconnectPatience = .milliseconds(20)
      configuration.reconnectPause = .milliseconds(1)
      let url = try await PostgresServer.url(ofSchema: try #require(schema), user: role)
      let database = try await PostgresDatabase.open(url: url, configuration: configuration)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<100 {
          group.addTask {
            try await database.write { transaction in
              _ = try transaction.execute("INSERT INTO x VALUES (\(number))")
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(database.statistics.connections == 1)
      await #expect(throws: SQLError(.overloaded, "")) {
        try await PostgresDatabase.open(url: url, configuration: configuration)
      }
      await database.close()
    }
  }

  @Test func `a server that says nothing counts as lost`() async throws {
    var configuration = PostgresServer.testConfiguration
    configuration.answerPatience = .milliseconds(20)
    try await PostgresServer.withDatabase(configuration) { database in
      let error = await #expect(throws: SQLError.self) {
        try await database.read { transaction in try transaction.execute("SELECT pg_sleep(60)") }
      }
      #expect(error?.code == .connectionLost)
      #expect(error?.message.contains("did not answer") == true)
    }
  }

  @Test func `a statement that takes too long is ended`() async throws {
    var configuration = PostgresServer.testConfiguration
    configuration.statementTimeoutMilliseconds = 10
    try await PostgresServer.withDatabase(configuration) { database in
      await #expect(throws: SQLError(.busy, "")) {
        try await database.read { transaction in try transaction.execute("SELECT pg_sleep(60)") }
      }
      try await database.write { transaction in
        try transaction.script("SELECT pg_sleep(0.02)")
      }
    }
  }

  @Test func `results and queues have their limits`() async throws {
    var configuration = PostgresServer.testConfiguration
    configuration.maximumRows = 3
    configuration.statementCacheSize = 2
    try await PostgresServer.withDatabase(configuration) { database in
      let numbers = try await database.read { transaction in
        var numbers = try transaction.rows("SELECT generate_series(1, 3)").map { try $0.int(0) }
        numbers.append(try transaction.first("SELECT generate_series(4, 1000)")?.int(0) ?? 0)
        for number in 5..<7 {
          for sql in ["SELECT \(number)", "SELECT 1 * \(number)", "SELECT 0 + \(number)"] as [SQL] {
            numbers.append(try transaction.first(sql)?.int(0) ?? 0)
          }
        }
        return numbers
      }
      #expect(numbers == [1, 2, 3, 4, 5, 5, 5, 6, 6, 6])
      await #expect(throws: SQLError(.tooLarge, "")) {
        try await database.read { transaction in
          try transaction.rows("SELECT generate_series(1, 4)")
        }
      }
    }
  }

  @Test func `a statement survives a change of the columns that it returns`() async throws {
    try await PostgresServer.withDatabase { database in
      try await database.write { transaction in
        try transaction.script("CREATE TABLE a (x integer); INSERT INTO a VALUES (7)")
      }
      for type in ["bigint", "text", "bigint"] {
        _ = try await database.read { transaction in try transaction.rows("SELECT x FROM a") }
        try await database.write { transaction in
          try transaction.script("ALTER TABLE a ALTER x TYPE \(type) USING x::\(type)")
          _ = try transaction.rows("SELECT x FROM a")
        }
      }
    }
  }

  @Test func `a trigger's message and a unique index are told`() async throws {
    try await prepared { database in
      try await database.write { transaction in
        try transaction.script(
          """
          CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN RAISE EXCEPTION 'entries; never change'; END $body$;
          CREATE TRIGGER refuse BEFORE UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION refuse();
          CREATE TABLE late (x text UNIQUE DEFERRABLE INITIALLY DEFERRED)
          """)
      }
      await #expect(throws: SQLError(.constraint("entries; never change"), "")) {
        try await database.write { transaction in
          try transaction.execute("UPDATE parent SET id = 'q'")
        }
      }
      await #expect(throws: SQLError(.unique(["late.x"]), "")) {
        try await database.write { transaction in
          try transaction.execute("INSERT INTO late VALUES ('a'), ('a')")
        }
      }
    }
  }

  @Test(
    arguments: [
      "BEGIN", "commit", " -- x\n ROLLBACK", "/* a /* b */ c */ END", "SET search_path = x",
      "SET LOCAL work_mem = 1", "PREPARE TRANSACTION 'x'", "COPY a FROM STDIN", "DISCARD ALL",
      "SELECT 1; COMMIT", "SELECT 'a'';'; COMMIT", "SELECT E'a\\';'; COMMIT",
      "SELECT $a$;$b$;$a$; COMMIT", "SELECT \"a;\" FROM (SELECT 1 AS \"a;\") AS x; COMMIT",
      "SELECT 1 AS a$b$c; COMMIT", "DO $$ BEGIN COMMIT; END $$",
    ])
  func `a script cannot leave its transaction`(_ text: String) async throws {
    try await PostgresServer.withDatabase { database in
      await #expect(throws: SQLError(.misuse, "")) {
        try await database.write { transaction in
          try transaction.script("CREATE TABLE kept (x text)")
          try transaction.script(text)
        }
      }
      await #expect(throws: SQLError(.misuse, "")) {
        try await database.read { transaction in try transaction.rows("SELECT x FROM kept") }
      }
    }
  }
}

private final class Counter: Sendable {
  private let value = Mutex(0)

  var count: Int { value.withLock { $0 } }

  func next() -> Int {
    value.withLock { value in
      value += 1
      return value
    }
  }
}

/// Lets threads go on once all have come; not for tasks.
private final class Meeting: Sendable {
  private let missing: Mutex<Int>

  init(of count: Int) {
    missing = Mutex(count)
  }

  func wait() {
    missing.withLock { $0 -= 1 }
    while missing.withLock({ $0 }) > 0 {}
  }
}
