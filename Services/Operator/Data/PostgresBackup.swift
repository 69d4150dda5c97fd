internal import Operator
internal import PostgresDriver
internal import SQLCore

/// Snapshots of all databases of a stack on PostgreSQL, of one moment, and their dumps.
struct PostgresBackup {
  private let stack: PostgresStack
  private let snapshots: [PostgresSnapshot]

  /// How long the services are held up at most in one try, which is less than they wait for a lock.
  private static let patience = Duration.seconds(3)
  private static let tries = 10

  /// Holds up all changes for as long as it takes to begin a snapshot of each database.
  ///
  /// - Throws: `OperatorError` where the services never were idle for a moment; `SQLError`.
  init(of stack: PostgresStack) async throws {
    self.stack = stack
    for number in 1...Self.tries {
      if let snapshots = try Self.snapshots(of: stack) {
        self.snapshots = snapshots
        return
      }
      try await Task.sleep(for: .milliseconds(Int.random(in: 50...100) * number))
    }
    throw OperatorError(
      "\(Self.tries) times a transaction went on for longer than \(Self.patience) and could not be"
        + " waited for: try again when the databases are less busy")
  }

  /// nil where a transaction was in the way.
  private static func snapshots(of stack: PostgresStack) throws -> [PostgresSnapshot]? {
    var snapshots: [PostgresSnapshot] = []
    do {
      for data in ServiceData.all { snapshots.append(try PostgresSnapshot(of: stack.url(data))) }
      let end = ContinuousClock.now + patience
      for snapshot in snapshots { try snapshot.holdWriters(patience: max(end - .now, .zero)) }
    } catch {
      for snapshot in snapshots { snapshot.close() }
      if error.code == .busy || error.code == .serialization { return nil }
      throw error
    }
    for snapshot in snapshots { snapshot.releaseWriters() }
    return snapshots
  }

  /// Ends the snapshots.
  func close() {
    for snapshot in snapshots { snapshot.close() }
  }

  /// Dumps each database into the folder of its service.
  func dump(to target: String) async throws {
    for (data, snapshot) in zip(ServiceData.all, snapshots) {
      try StackFolder.makeFolder("\(target)/\(data.name)")
      try await stack.tools(for: data).dump(
        stack.url(data), snapshot: snapshot.name,
        to: "\(target)/\(data.name)/\(data.dumpName)")
    }
  }

  /// Puts the dumps into databases beside those that they are of, and compares the rows of all
  /// tables; then runs the body on these databases. They are removed in any case.
  func verify(_ target: String, _ body: (PostgresStack) async throws -> Void) async throws {
    let copies = try stack.with(suffix: "_verifying")
    try copies.refuseExisting("is what an unfinished backup left: remove it first (DROP DATABASE)")
    try await copies.fill(from: target)
    do {
      for (data, snapshot) in zip(ServiceData.all, snapshots) {
        try compare(data, snapshot, copies.url(data))
      }
      try await body(copies)
    } catch {
      try? copies.remove()
      throw error
    }
    try copies.remove()
  }

  private func compare(_ data: ServiceData, _ snapshot: PostgresSnapshot, _ copy: String) throws {
    let stored = try snapshot.contents()
    let restored = try PostgresSnapshot(of: copy)
    defer { restored.close() }
    let copied = try restored.contents()
    for table in Set(stored.keys).union(copied.keys).sorted() where stored[table] != copied[table] {
      throw OperatorError(
        "the dump of \(data.name) is not what was stored: \(table) has"
          + " \(copied[table] ?? "no table"), expected \(stored[table] ?? "no table")")
    }
  }
}
