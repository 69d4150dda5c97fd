import SQLCore
import Synchronization

/// A database that somebody else changes before one of the service's writes.
final class InterruptedDatabase: Database {
  private let database: any Database
  private let interruption = Mutex<(@Sendable (any Database) async throws -> Void)?>(nil)

  init(_ database: any Database) { self.database = database }

  /// What is done, once, between the service's next call of `write` and its body.
  func beforeNextWrite(_ body: @escaping @Sendable (any Database) async throws -> Void) {
    interruption.withLock { $0 = body }
  }

  var dialect: Dialect { database.dialect }

  func write<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    let interrupt = interruption.withLock { interruption in
      defer { interruption = nil }
      return interruption
    }
    try await interrupt?(database)
    return try await database.write(body)
  }

  func read<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await database.read(body)
  }

  func close() async { await database.close() }
}
