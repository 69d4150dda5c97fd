import Glibc
import SQLCore
import SQLiteDriver
import StorageFaults
import Testing

/// What is SQLite's own: files, locks, group commit, failing disks.
@Suite struct SQLiteTests {
  private struct Refused: Error {}

  private let table = Migration(
    number: 1, name: "create_n", sqlite: "CREATE TABLE n (x INTEGER NOT NULL PRIMARY KEY) STRICT")

  private func insert(_ number: Int) -> SQL { "INSERT INTO n (x) VALUES (\(number))" }

  private func add(_ number: Int, to database: any Database) async throws {
    try await database.write { transaction in
      try transaction.execute(insert(number))
    }
  }

  private func numbers(_ database: any Database) async throws -> [Int] {
    try await database.read { transaction in
      try transaction.rows("SELECT x FROM n ORDER BY x").map { try $0.int(0) }
    }
  }

  private func error(_ path: String) throws -> SQLError {
    try #require(#expect(throws: SQLError.self) { try SQLiteDatabase(path: path) })
  }

  // MARK: Files

  @Test func `the files are for their owner only`() async throws {
    let folder = try Folder()
    let database = try SQLiteDatabase(path: folder.path + "/a.db")
    try await Migrator([table]).migrate(database)
    #expect(folder.names == ["a.db", "a.db-shm", "a.db-wal", "a.db.lock"])
    for name in folder.names { #expect(folder.status(name).st_mode & 0o777 == 0o600) }
    await database.close()
    #expect(folder.names == ["a.db", "a.db.lock"])
  }

  @Test func `what was written is there after the file is opened again`() async throws {
    let folder = try Folder()
    let path = folder.path + "/a.db"
    for round in 0..<3 {
      let database = try SQLiteDatabase(path: path)
      try await Migrator([table]).migrate(database)
      #expect(try await numbers(database) == Array(0..<round))
      try await add(round, to: database)
      await database.close()
    }
  }

  @Test func `a second opener is refused until the first has closed`() async throws {
    let folder = try Folder()
    let path = folder.path + "/a.db"
    let database = try SQLiteDatabase(path: path)
    let refused = try error(path)
    #expect(refused.code == .cannotOpen)
    #expect(
      refused.message == "the database \(path) is in use by another process (\(getpid()))")
    await database.close()
    await (try SQLiteDatabase(path: path)).close()
  }

  @Test func `files that are no database are told in one line`() throws {
    let folder = try Folder()
    folder.write(Array("this is a text, and a long one, but no database\n".utf8), "a.txt")
    let notADatabase = try error(folder.path + "/a.txt")
    #expect(notADatabase.code == .corrupt)
    #expect(notADatabase.message.contains("a.txt is not a usable SQLite database"))
    mkfifo(folder.path + "/pipe", 0o600)
    for (path, words) in [
      ("/nowhere/a.db", "the database's directory /nowhere cannot be used: No such file"),
      (folder.path, "cannot be opened: Is a directory"),
      (folder.path + "/pipe", "is not a regular file"),
      (folder.path + "/a.txt/b.db", "is not a directory"),
      ("", "path is empty"), ("a\u{0}b", "path is empty or holds a NUL"),
    ] {
      let error = try error(path)
      #expect(error.code == .cannotOpen)
      #expect(error.message.contains(words), "\(error.message)")
      #expect(!error.message.contains("\n"))
    }
    unlink(folder.path + ".lock")
  }

  @Test func `a directory that everybody may write is refused`() throws {
    let folder = try Folder()
    chmod(folder.path, 0o777)
    #expect(try error(folder.path + "/a.db").message.hasSuffix("is writable for everybody"))
  }

  @Test func `a damaged page is detected`() async throws {
    let folder = try Folder()
    let path = folder.path + "/a.db"
    let database = try SQLiteDatabase(path: path)
    try await Migrator([table]).migrate(database)
    try await database.write { transaction in
      for number in 0..<2000 { try transaction.execute(insert(number)) }
    }
    await database.close()
    var bytes = folder.read("a.db")
    let pages = bytes.count / 4096
    #expect(pages > 4)
    for index in (pages - 2) * 4096..<(pages - 1) * 4096 { bytes[index] ^= 0x5A }
    folder.write(bytes, "a.db")
    let damaged = try SQLiteDatabase(path: path)
    await #expect(throws: SQLError(.corrupt, "")) { try await numbers(damaged) }
    await damaged.close()
  }

  // MARK: Group commit

  @Test func `bodies that wait are committed together, apart from those that fail`() async throws {
    let database = try SQLiteDatabase.temporary()
    try await Migrator([table]).migrate(database)
    let before = database.statistics
    let results = await database.together(
      (0..<50).map { number in
        { transaction in
          try transaction.execute(insert(number))
          if number % 5 == 4 { throw Refused() }
          return number
        }
      })
    #expect(database.statistics.commits == before.commits + 2)
    #expect(database.statistics.bodies == before.bodies + 51)
    for (number, result) in results.enumerated() {
      switch result {
      case .success(let value): #expect(value == number && number % 5 != 4)
      case .failure(let error): #expect(error is Refused && number % 5 == 4)
      }
    }
    #expect(try await numbers(database) == (0..<50).filter { $0 % 5 != 4 })
    await database.close()
  }

  @Test func `a body sees the ones before it and not those that were rolled back`() async throws {
    let database = try SQLiteDatabase.temporary()
    try await Migrator([table]).migrate(database)
    let results = await database.together(
      (0..<9).map { number in
        { transaction -> Int in
          let count = try transaction.first("SELECT count(*) FROM n")?.int(0) ?? -1
          try transaction.execute(insert(100 * number + count))
          if number % 2 == 1 { throw Refused() }
          return count
        }
      })
    let counts = results.compactMap { try? $0.get() }
    #expect(counts.sorted() == [0, 1, 2, 3, 4])
    await database.close()
  }

  @Test func `a full queue refuses, and what was accepted is done`() async throws {
    var configuration = SQLiteConfiguration()
    configuration.queueCapacity = 5
    let database = try SQLiteDatabase.temporary(configuration: configuration)
    try await Migrator([table]).migrate(database)
    let barrier = Barrier()
    let refused = Noted<Int>()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await database.write { _ in barrier.pass() } }
      while !barrier.isReached { await Task.yield() }
      for number in 0..<20 {
        group.addTask {
          do {
            try await add(number, to: database)
          } catch let error as SQLError where error.code == .overloaded {
            refused.insert(number)
          }
        }
      }
      while refused.all.isEmpty { await Task.yield() }
      barrier.open()
      try await group.waitForAll()
    }
    let stored = try await numbers(database).count
    #expect(stored + refused.all.count == 20)
    #expect(stored >= 5)
    await database.close()
  }

  @Test func `closing finishes what was accepted`() async throws {
    let folder = try Folder()
    let database = try SQLiteDatabase(path: folder.path + "/a.db")
    try await Migrator([table]).migrate(database)
    let barrier = Barrier()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await database.write { _ in barrier.pass() } }
      while !barrier.isReached { await Task.yield() }
      for number in 0..<10 {
        group.addTask { try await add(number, to: database) }
      }
      while database.waitingWrites < 10 { await Task.yield() }
      group.addTask { await database.close() }
      barrier.open()
      try await group.waitForAll()
    }
    let again = try SQLiteDatabase(path: folder.path + "/a.db")
    #expect(try await numbers(again) == Array(0..<10))
    await again.close()
  }

  // MARK: Limits

  @Test func `more statements than the cache holds work alike`() async throws {
    var configuration = SQLiteConfiguration()
    configuration.statementCacheSize = 3
    let database = try SQLiteDatabase.temporary(configuration: configuration)
    for _ in 0..<3 {
      let values = try await database.read { transaction in
        [
          try transaction.first("SELECT 1 + \(1)")?.int(0),
          try transaction.first("SELECT 2")?.int(0),
          try transaction.first("SELECT 3")?.int(0), try transaction.first("SELECT 4")?.int(0),
          try transaction.first("SELECT 5")?.int(0),
        ]
      }
      #expect(values == [2, 2, 3, 4, 5])
    }
    await database.close()
  }

  @Test func `a result over the limit is refused`() async throws {
    var configuration = SQLiteConfiguration()
    configuration.maximumRows = 10
    let database = try SQLiteDatabase.temporary(configuration: configuration)
    func series(_ count: Int) async throws -> Int {
      try await database.read { transaction in
        try transaction.rows(
          """
          WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < \(count))
          SELECT n FROM s
          """
        ).count
      }
    }
    #expect(try await series(10) == 10)
    await #expect(throws: SQLError(.tooLarge, "")) { try await series(11) }
    await database.close()
  }

  @Test func `the log does not grow without bound`() async throws {
    let folder = try Folder()
    var configuration = SQLiteConfiguration()
    configuration.checkpointPages = 10
    let database = try SQLiteDatabase(path: folder.path + "/a.db", configuration: configuration)
    try await Migrator([table]).migrate(database)
    for number in 0..<300 { try await add(number, to: database) }
    #expect(folder.status("a.db-wal").st_size < 40 * 4200)
    #expect(folder.status("a.db").st_size > 4096)
    await database.close()
  }

  // MARK: Failing disks

  private func withFaultyDisk(
    _ body: (SQLiteDatabase, FaultyDisk) async throws -> Void
  ) async throws {
    let folder = try Folder()
    let disk = try FaultyDisk()
    var configuration = SQLiteConfiguration()
    configuration.virtualFileSystem = disk.name
    // Often, so that a power cut meets checkpoints too.
    configuration.checkpointPages = 20
    configuration.onFailure = { disk.note($0) }
    let database = try SQLiteDatabase(path: folder.path + "/a.db", configuration: configuration)
    try await Migrator([table]).migrate(database)
    try await body(database, disk)
    await database.close()
  }

  @Test func `a full disk refuses writes, reads go on, and later writes succeed`() async throws {
    try await withFaultyDisk { database, disk in
      try await add(1, to: database)
      disk.setFull(true)
      for number in 2..<5 {
        await #expect(throws: SQLError(.full, "")) {
          try await add(number, to: database)
        }
      }
      #expect(try await numbers(database) == [1])
      let together = await database.together(
        (5..<9).map { number in
          { transaction in try transaction.execute(insert(number)) }
        })
      for result in together { #expect(throws: SQLError(.full, "")) { try result.get() } }
      disk.setFull(false)
      try await add(9, to: database)
      #expect(try await numbers(database) == [1, 9])
      #expect(disk.failures.isEmpty)
      #expect(database.failure == nil)
    }
  }

  @Test func `a failed fsync fails its whole batch and stops all writes`() async throws {
    try await withFaultyDisk { database, disk in
      try await add(1, to: database)
      disk.failSyncs(after: 0)
      let together = await database.together(
        (2..<6).map { number in
          { transaction in try transaction.execute(insert(number)) }
        })
      disk.failSyncs(after: -1)
      for result in together {
        let error = #expect(throws: SQLError.self) { try result.get() }
        #expect(error?.code == .io || error?.code == .stopped)
      }
      await #expect(throws: SQLError(.stopped, "")) {
        try await add(7, to: database)
      }
      #expect(database.failure?.code == .stopped)
      #expect(disk.failures.map(\.code) == [.io])
      #expect(try await numbers(database) == [1])
    }
  }

  /// The commit itself takes two fsyncs here, of the log's head and of its frames; the checkpoint
  /// takes one of the log and one of the database file.
  @Test(arguments: [2, 3] as [Int32])
  func `a failed fsync of a checkpoint stops all writes too`(_ succeeding: Int32) async throws {
    let folder = try Folder()
    let disk = try FaultyDisk()
    var configuration = SQLiteConfiguration()
    configuration.virtualFileSystem = disk.name
    configuration.checkpointPages = 1
    configuration.onFailure = { disk.note($0) }
    let database = try SQLiteDatabase(path: folder.path + "/a.db", configuration: configuration)
    try await Migrator([table]).migrate(database)
    try await add(1, to: database)
    try await database.write { transaction in
      try transaction.execute(insert(2))
      disk.failSyncs(after: succeeding)
    }
    await #expect(throws: SQLError(.stopped, "")) { try await add(3, to: database) }
    #expect(disk.failures.map(\.code) == [.io])
    #expect(try await numbers(database) == [1, 2])
    await database.close()
  }

  @Test(arguments: 0..<12)
  func `what was answered survives a power cut at any moment`(_ seed: UInt32) async throws {
    try await withFaultyDisk { database, disk in
      let answered = Noted<Int>()
      let after = try Folder()
      let promised = try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
          group.addTask {
            for number in 0..<40 {
              let id = writer * 1000 + number
              try await database.write { transaction in
                try transaction.execute(insert(id))
                // Either both of a pair are there or none.
                try transaction.execute(insert(-1 - id))
              }
              answered.insert(id)
            }
          }
        }
        while answered.all.count < 20 * Int(seed) { await Task.yield() }
        let promised = answered.all
        #expect(disk.cutPower(into: after.path, seed: seed))
        try await group.waitForAll()
        return promised
      }
      let survivor = try SQLiteDatabase(path: after.path + "/a.db")
      let stored = Set(try await numbers(survivor))
      #expect(promised.isSubset(of: stored))
      #expect(stored.allSatisfy { stored.contains(-1 - $0) })
      let check = try await survivor.read { transaction in
        try transaction.rows("PRAGMA integrity_check").map { try $0.text(0) }
      }
      #expect(check == ["ok"])
      await survivor.close()
    }
  }
}
