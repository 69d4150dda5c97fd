internal import Bootstrap
internal import Operator
internal import PostgresDriver
internal import SharedDomain

/// The databases of a stack on a PostgreSQL server.
struct PostgresStack {
  private let databases: [ServiceName: DatabaseURL]

  /// The databases that a stack of this configuration uses.
  init(_ server: DatabaseURL) throws {
    try self.init(
      Dictionary(
        uniqueKeysWithValues: ServiceData.all.map {
          ($0.service, StackConfiguration.database(of: $0.service, on: server))
        }))
  }

  /// - Parameter urls: one for each of `ServiceData.all`, naming a database each.
  init(_ urls: [ServiceName: String]) throws {
    databases = try urls.mapValues(Self.read)
  }

  private static func read(_ text: String) throws -> DatabaseURL {
    do throws(MalformedValue) {
      return try DatabaseURL(text)
    } catch {
      throw OperatorError("a database's URL \(error.reason)")
    }
  }

  /// The same databases under other names.
  func with(suffix: String) throws -> PostgresStack {
    try PostgresStack(databases.mapValues { $0.with(database: $0.database + suffix) })
  }

  func url(_ data: ServiceData) -> String { database(data).text }

  private func name(_ data: ServiceData) -> String { database(data).database }

  private func database(_ data: ServiceData) -> DatabaseURL {
    guard let url = databases[data.service] else {
      preconditionFailure("every service has a database")
    }
    return url
  }

  /// Runs a body with a connection to a database's server.
  private func administering<Result>(
    _ data: ServiceData, _ body: (PostgresAdministration) throws -> Result
  ) throws -> Result {
    let server = try PostgresAdministration(url: url(data))
    defer { server.close() }
    return try body(server)
  }

  /// Runs a body that makes, removes or renames databases.
  ///
  /// One at a time on a server: a process that is killed leaves the server with its last statement,
  /// and who repeats the command waits here until that is done.
  private func changing(
    _ data: ServiceData, _ body: (PostgresAdministration) throws -> Void
  ) throws {
    try administering(data) { server in
      try server.waitForLock(Self.changeLock)
      try body(server)
    }
  }

  /// Where each service's data is.
  var urls: [ServiceName: String] { databases.mapValues(\.text) }

  /// The tools of the version of a database's server.
  func tools(for data: ServiceData) async throws -> PostgresTools {
    try await PostgresTools(version: try administering(data) { try $0.majorVersion() })
  }

  /// The longest name that the server keeps as it is.
  private static let longestName = 63

  /// - Throws: `OperatorError` where one of the databases is there, with the words that say what it
  ///   is then and what to do, or where a name is too long.
  func refuseExisting(_ saying: String) throws {
    for data in ServiceData.all {
      let name = name(data)
      guard name.utf8.count <= Self.longestName else {
        throw OperatorError("the database's name \(name) has more than \(Self.longestName) bytes")
      }
      if try administering(data, { try $0.hasDatabase(name) }) {
        throw OperatorError("the database \(name) \(saying)")
      }
    }
  }

  /// Makes the databases and fills them from a backup's dumps; all of them or, where one fails, none.
  ///
  /// - Parameter folder: the backup's.
  func fill(from folder: String) async throws {
    do {
      for data in ServiceData.all {
        try changing(data) { try $0.makeDatabase(name(data)) }
        try await tools(for: data).restore(
          "\(folder)/\(data.name)/\(data.dumpName)", to: url(data))
      }
    } catch {
      // What went wrong first is what is told.
      try? remove()
      throw error
    }
  }

  /// Removes those of the databases that are there.
  func remove() throws {
    for data in ServiceData.all {
      try changing(data) { try $0.dropDatabase(name(data)) }
    }
  }

  /// Gives each database the name that it has in another stack of the same server: all or none.
  func rename(to other: PostgresStack) throws {
    try changing(ServiceData.all[0]) {
      try $0.renameDatabases(ServiceData.all.map { (name($0), other.name($0)) })
    }
  }

  /// Whether all of the databases are there.
  func isComplete() throws -> Bool {
    for data in ServiceData.all {
      guard try administering(data, { try $0.hasDatabase(name(data)) }) else { return false }
    }
    return true
  }

  /// Runs a body while no other command restores on the server.
  ///
  /// - Throws: `OperatorError` where one does.
  func whileAlone<Result>(_ body: () async throws -> Result) async throws -> Result {
    let server = try PostgresAdministration(url: url(ServiceData.all[0]))
    defer { server.close() }
    guard try server.takeLock(Self.restoreLock) else {
      throw OperatorError("another restore is under way on the server")
    }
    // What a restore that was killed still has the server do comes to its end.
    try changing(ServiceData.all[0]) { _ in }
    return try await body()
  }

  /// Which of the server's locks a restore holds: `kontor` in ASCII.
  private static let restoreLock: Int64 = 0x6B6F_6E74_6F72
  /// Which one a connection holds that makes, removes or renames databases: `kontos`.
  private static let changeLock: Int64 = 0x6B6F_6E74_6F73
}
