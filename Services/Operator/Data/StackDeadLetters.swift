internal import Operator
internal import SQLCore
internal import ServiceStorage
package import SharedDomain

/// The messages that a service gave up.
extension StackData {
  /// A given-up message of a service.
  package struct Letter: Sendable, Hashable {
    package let service: ServiceName
    package let id: UniqueID
    /// The letter in one line, beginning with its id.
    package let line: String
  }

  /// All given-up messages, by service, oldest first.
  package func deadLetters() async throws -> [Letter] {
    var letters: [Letter] = []
    for data in ServiceData.all {
      let found = try await withDatabase(data) { database in
        try await database.read { try Outbox.deadLetters(limit: 10_000, in: $0) }
      }
      letters += found.map { Letter(service: data.service, id: $0.message.id, line: $0.line) }
    }
    return letters
  }

  /// Hands a given-up message back to the service that wrote it, which tries it again, soon when it
  /// runs; false when there is none.
  package func replay(_ id: UniqueID, at now: Instant) async throws -> Bool {
    for data in ServiceData.all {
      let isFound = try await withDatabase(data) { database in
        try await database.write { try Outbox.revive(id, at: now, in: $0) }
      }
      if isFound { return true }
    }
    return false
  }

  private func withDatabase<Result: Sendable>(
    _ data: ServiceData, _ body: (any Database) async throws -> Result
  ) async throws -> Result {
    let database = try await open(data)
    do {
      let result = try await body(database)
      await database.close()
      return result
    } catch {
      await database.close()
      throw error
    }
  }
}
