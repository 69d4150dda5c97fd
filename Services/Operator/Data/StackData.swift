package import Operator
internal import PostgresDriver
internal import SQLCore
internal import SQLiteDriver
internal import SharedDomain

/// The databases of a stack's folder, whether it runs or not.
package struct StackData: Sendable {
  let folder: StackFolder
  /// Where the data is, unless the folder's configuration says so.
  private let databases: [ServiceName: String]?

  package init(_ folder: StackFolder) {
    self.folder = folder
    databases = nil
  }

  /// The data of a backup that was put onto a PostgreSQL server, beside the seals in its folder.
  init(_ folder: StackFolder, on stack: PostgresStack) {
    self.folder = folder
    databases = stack.urls
  }

  func path(_ data: ServiceData) -> String {
    "\(folder.path)/\(data.name)/\(data.fileName)"
  }

  /// The PostgreSQL database that the stack's configuration names for a service; nil for a file.
  func url(_ data: ServiceData) -> String? {
    if let databases { return databases[data.service] }
    let key = "database = "
    let lines = PrivateFile.read(folder.configuration(of: data.name))?.split(
      separator: "\n")
    return lines?.first { $0.hasPrefix(key) }.map { String($0.dropFirst(key.count)) }
  }

  /// Whether a service has stored anything.
  func exists(_ data: ServiceData) -> Bool { url(data) != nil || StackFiles.exists(path(data)) }

  /// The databases where the data is on PostgreSQL; nil where it is in files.
  ///
  /// - Throws: `OperatorError` where it is on both.
  func postgres() throws -> PostgresStack? {
    var urls: [ServiceName: String] = [:]
    for data in ServiceData.all { urls[data.service] = url(data) }
    if urls.isEmpty { return nil }
    guard urls.count == ServiceData.all.count else {
      throw OperatorError(
        "\(folder.configuration) has some data on PostgreSQL and some in files: expected one of both"
      )
    }
    return try PostgresStack(urls)
  }

  /// The database as it is, beside the service that may own it.
  func open(_ data: ServiceData) async throws -> any Database {
    guard let url = url(data) else { return try StackData.guest(path(data)) }
    var configuration = PostgresConfiguration()
    configuration.connections = 1
    configuration.maximumRows = .max
    // A check reads everything.
    configuration.statementTimeoutMilliseconds = 3_600_000
    configuration.answerPatience = .seconds(3_700)
    return try await PostgresDatabase.open(url: url, configuration: configuration)
  }

  static func guest(_ path: String) throws -> SQLiteDatabase {
    var configuration = SQLiteConfiguration()
    configuration.isGuest = true
    configuration.readers = 1
    // A check reads every organization's name.
    configuration.maximumRows = .max
    return try SQLiteDatabase(path: path, configuration: configuration)
  }

  /// Checks all databases, what they say of each other, and the signed heads.
  ///
  /// - Throws: `OperatorError` where the folder holds no stack.
  package func check() async throws -> InspectionReport {
    guard StackFiles.exists(folder.path) else {
      throw OperatorError("\(folder.path) is not the data folder of a stack")
    }
    var report = InspectionReport()
    var databases: [ServiceName: any Database] = [:]
    // The heads first: what is stored has only grown by the time that it is read.
    let seals = SealedHeads.read(from: folder, into: &report)
    for data in ServiceData.all {
      do {
        let database = try await open(data)
        databases[data.service] = database
        report.add(await Inspection.report(data, database))
        report.add(await seals.report(data, database))
      } catch {
        report.findings.append(
          Finding(
            database: data.name, table: "-", row: "-", expectation: "expected a database: \(error)")
        )
      }
    }
    if let shop = databases[.shop], let accounting = databases[.accounting] {
      report.add(await ServicesInspection.report(shop: shop, accounting: accounting))
    }
    for database in databases.values { await database.close() }
    return report
  }

  /// A backup that was not read is none.
  ///
  /// - Throws: `OperatorError` with the words and all findings.
  func refuseUnsound(_ saying: String) async throws {
    let report = try await check()
    if report.findings.isEmpty { return }
    throw OperatorError(
      "\(saying):\n" + report.findings.map(\.description).joined(separator: "\n"))
  }
}
