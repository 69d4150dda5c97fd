package import IdentityDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// Failed sign-ins in the tables `sign_in_failures` and `known_source`. Both hold keyed hashes of
/// logins and sources, never the texts: unknown logins are counted like known ones (ID-8).
package enum SignInFailureStore {
  /// Where the failures of a login from a source are counted.
  package struct Bucket: Sendable, Hashable {
    package let loginKey: [UInt8]
    /// Empty for all sources from which nobody has signed in with the login.
    package let sourceKey: [UInt8]
  }

  /// The bucket of a login and a source.
  ///
  /// - Parameter sourceKey: nil where the source is not known.
  package static func bucket(
    loginKey: [UInt8], sourceKey: [UInt8]?, in transaction: any Transaction
  ) throws -> Bucket {
    guard let sourceKey,
      try transaction.first(
        """
        SELECT 1 FROM known_source
        WHERE login_key = \(loginKey) AND source_key = \(sourceKey)
        """) != nil
    else { return Bucket(loginKey: loginKey, sourceKey: []) }
    return Bucket(loginKey: loginKey, sourceKey: sourceKey)
  }

  package static func failures(
    _ bucket: Bucket, in transaction: any Transaction
  ) throws -> SignInFailures {
    try transaction.first(
      """
      SELECT failures, last_us, blocked_until_us FROM sign_in_failures
      WHERE login_key = \(bucket.loginKey) AND source_key = \(bucket.sourceKey)
      """
    ).map { row in
      SignInFailures(
        count: try row.int("failures"), lastAt: try row.instant("last_us"),
        blockedUntil: try row.instant("blocked_until_us"))
    } ?? .none
  }

  package static func set(
    _ failures: SignInFailures, _ bucket: Bucket, in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      INSERT INTO sign_in_failures (login_key, source_key, failures, last_us, blocked_until_us)
      VALUES (
        \(bucket.loginKey), \(bucket.sourceKey), \(failures.count), \(failures.lastAt),
        \(failures.blockedUntil))
      ON CONFLICT (login_key, source_key) DO UPDATE SET
        failures = excluded.failures, last_us = excluded.last_us,
        blocked_until_us = excluded.blocked_until_us
      """)
  }

  /// Forgets the failures of a bucket after a sign-in succeeded.
  package static func clear(_ bucket: Bucket, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      DELETE FROM sign_in_failures
      WHERE login_key = \(bucket.loginKey) AND source_key = \(bucket.sourceKey)
      """)
  }

  /// Sources that are remembered of a login.
  package static let maximumKnownSources = 20

  /// Remembers the source of a sign-in that succeeded, and forgets the oldest beyond
  /// ``maximumKnownSources``.
  package static func remember(
    sourceKey: [UInt8], loginKey: [UInt8], at now: Instant, in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      INSERT INTO known_source (login_key, source_key, last_us)
      VALUES (\(loginKey), \(sourceKey), \(now))
      ON CONFLICT (login_key, source_key) DO UPDATE SET last_us = excluded.last_us
      """)
    try transaction.execute(
      """
      DELETE FROM known_source
      WHERE login_key = \(loginKey) AND source_key NOT IN (
        SELECT source_key FROM known_source WHERE login_key = \(loginKey)
        ORDER BY last_us DESC LIMIT \(maximumKnownSources))
      """)
  }

  /// Deletes failures that are no longer counted; returns of how many logins and sources.
  package static func deleteForgotten(
    lastBefore instant: Instant, limit: Int, in transaction: any Transaction
  ) throws -> Int {
    try transaction.execute(
      """
      DELETE FROM sign_in_failures WHERE (login_key, source_key) IN (
        SELECT login_key, source_key FROM sign_in_failures WHERE last_us < \(instant)
        ORDER BY last_us LIMIT \(limit))
      """)
  }
}
