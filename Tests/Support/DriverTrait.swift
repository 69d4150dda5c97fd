package import SQLCore
internal import SQLiteDriver
internal import Synchronization
package import Testing

/// Runs each test of a suite once on every driver. A test takes its database from
/// `Driver.openDatabase`; it is closed after the test, and an issue names the driver.
package struct DriverTrait: SuiteTrait, TestTrait, TestScoping {
  package var isRecursive: Bool { true }

  package func provideScope(
    for test: Test, testCase: Test.Case?,
    performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    for driver in Driver.allCases {
      let naming = IssueHandlingTrait.compactMapIssues { issue in
        var issue = issue
        issue.comments.append("on \(driver)")
        return issue
      }
      try await naming.provideScope(for: test, testCase: testCase) {
        try await Driver.run(on: driver, function)
      }
    }
  }
}

extension Trait where Self == DriverTrait {
  /// Runs each test once on every driver.
  package static var onEachDriver: Self { DriverTrait() }
}

/// The driver of the running test, and the databases that it has opened.
private final class DriverScope: Sendable {
  @TaskLocal static var current: DriverScope?

  let driver: Driver
  private let databases = Mutex<[any Database]>([])

  init(_ driver: Driver) {
    self.driver = driver
  }

  func opened(_ database: any Database) {
    databases.withLock { $0.append(database) }
  }

  func close() async {
    for database in databases.withLock({ $0 }) { await database.close() }
  }
}

extension Driver {
  /// The driver that a test with the trait `onEachDriver` runs on; SQLite in every other test.
  package static var current: Driver { DriverScope.current?.driver ?? .sqlite }

  /// A new, empty database of the current driver. In a test with the trait `onEachDriver` it is
  /// closed after the test, elsewhere by the caller.
  package static func openDatabase() async throws -> any Database {
    let database: any Database =
      switch current {
      case .sqlite: try SQLiteDatabase.temporary()
      case .postgres: try await PostgresServer.openDatabase()
      }
    DriverScope.current?.opened(database)
    return database
  }

  fileprivate static func run(
    on driver: Driver, _ body: @concurrent @Sendable () async throws -> Void
  ) async throws {
    if driver == .postgres { await PostgresServer.slots.take() }
    let scope = DriverScope(driver)
    var failure: (any Error)?
    do {
      try await DriverScope.$current.withValue(scope) { try await body() }
    } catch {
      failure = error
    }
    await scope.close()
    if driver == .postgres { await PostgresServer.slots.release() }
    if let failure { throw failure }
  }
}
