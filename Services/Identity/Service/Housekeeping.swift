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

  let core: IdentityCore

  /// One run.
  func tidy() async throws {
    let now = core.clock.now()
    try await core.keys.rotateWhereDue(at: now)
    try await core.operations.deleteExpired()
    try await core.database.write { transaction in
      try SignUpStore.deleteUnconfirmed(
        createdBefore: now.advanced(by: .zero - Self.unconfirmedSignUps), in: transaction)
      // A used token is met again by a thief while it could be exchanged; after that it is unknown.
      try SessionStore.deleteObsolete(
        tokensUsedBefore: now.advanced(by: .zero - Session.idleLifetime),
        sessionsExpiredBefore: now.advanced(by: .zero - Self.expiredSessions), in: transaction)
      try SignInFailureStore.deleteForgotten(
        lastBefore: now.advanced(by: .zero - SignInFailures.memory), in: transaction)
    }
  }
}
