internal import IdentityDomain
internal import IdentityStorage
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// Deletes what nobody needs any more and replaces signing keys.
struct Housekeeping: Sendable {
  /// How long sign-ups that came to nothing are kept.
  static let unconfirmedSignUps = Duration.days(7)
  /// How long sessions are kept after they have expired.
  static let expiredSessions = Duration.days(7)
  /// Time between two runs.
  static let interval = Duration.hours(1)

  /// Rows that one transaction deletes at most.
  static let batchSize = 500
  /// Sessions that one transaction deletes at most, for their tokens go with them.
  static let sessionBatchSize = 20

  let core: IdentityCore

  /// One run.
  func tidy() async throws {
    let now = core.clock.now()
    try await core.keys.rotateWhereDue(at: now)
    try await core.operations.deleteExpired()
    try await inBatches { transaction in
      try SignUpStore.deleteUnconfirmed(
        createdBefore: now.advanced(by: .zero - Self.unconfirmedSignUps), limit: Self.batchSize,
        in: transaction)
    }
    // A used token matters while a thief could have exchanged it; after that it is unknown.
    try await inBatches { transaction in
      try SessionStore.deleteTokens(
        usedBefore: now.advanced(by: .zero - Session.idleLifetime), limit: Self.batchSize,
        in: transaction)
    }
    try await inBatches { transaction in
      try SessionStore.deleteSessions(
        expiredBefore: now.advanced(by: .zero - Self.expiredSessions), limit: Self.sessionBatchSize,
        in: transaction)
    }
    try await inBatches { transaction in
      try SignInFailureStore.deleteForgotten(
        lastBefore: now.advanced(by: .zero - SignInFailures.memory), limit: Self.batchSize,
        in: transaction)
    }
  }

  /// Repeats a deletion, a transaction each, until there is nothing left of it.
  private func inBatches(
    _ delete: @escaping @Sendable (any Transaction) throws -> Int
  ) async throws {
    while try await core.database.write(delete) > 0 {}
  }
}
