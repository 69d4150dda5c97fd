package import IdentityDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// Sessions and their refresh tokens in the tables `session` and `refresh_token`.
package enum SessionStore {
  package static func insert(_ session: Session, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO session (
        id, user_id, device_name, organization_id, created_us, refreshed_us, expires_us, ended_us)
      VALUES (
        \(session.id), \(session.userID), \(session.deviceName), \(session.organizationID),
        \(session.createdAt), \(session.refreshedAt), \(session.expiresAt), \(session.endedAt))
      """)
  }

  /// Stores what changes in a session: organization, refresh and end.
  package static func update(_ session: Session, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      UPDATE session SET
        organization_id = \(session.organizationID), refreshed_us = \(session.refreshedAt),
        expires_us = \(session.expiresAt), ended_us = \(session.endedAt)
      WHERE id = \(session.id)
      """)
  }

  package static func find(_ id: SessionID, in transaction: any Transaction) throws -> Session? {
    try transaction.first("SELECT \(columns) FROM session WHERE id = \(id)").map(session)
  }

  /// A user's session; nil where the session is another's or does not exist.
  package static func find(
    _ id: SessionID, of user: UserID, in transaction: any Transaction
  ) throws -> Session? {
    try transaction.first(
      "SELECT \(columns) FROM session WHERE id = \(id) AND user_id = \(user)"
    ).map(session)
  }

  /// A user's sessions that are alive, newest first.
  ///
  /// - Parameter before: the last session of the page before; nil for the first page.
  package static func active(
    of user: UserID, at now: Instant, before: SessionID?, limit: Int,
    in transaction: any Transaction
  ) throws -> [Session] {
    let position: SQL = before.map { "AND id < \($0)" } ?? ""
    return try transaction.rows(
      """
      SELECT \(columns) FROM session
      WHERE user_id = \(user) AND ended_us IS NULL AND expires_us > \(now) \(position)
      ORDER BY id DESC LIMIT \(limit)
      """
    ).map(session)
  }

  /// A refresh token as it is stored.
  package struct RefreshToken: Sendable {
    package let sessionID: SessionID
    package let wasUsed: Bool
  }

  /// Stores the hash of a new refresh token.
  package static func insert(
    refreshTokenHash hash: [UInt8], of session: SessionID, at now: Instant,
    in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      INSERT INTO refresh_token (token_hash, session_id, created_us)
      VALUES (\(hash), \(session), \(now))
      """)
  }

  package static func refreshToken(
    hash: [UInt8], in transaction: any Transaction
  ) throws -> RefreshToken? {
    try transaction.first(
      "SELECT session_id, used_us FROM refresh_token WHERE token_hash = \(hash)"
    ).map { row in
      RefreshToken(
        sessionID: try row.read("session_id"), wasUsed: try row.optionalInstant("used_us") != nil)
    }
  }

  /// Marks a refresh token as used.
  package static func use(
    refreshTokenHash hash: [UInt8], at now: Instant, in transaction: any Transaction
  ) throws {
    try transaction.execute(
      "UPDATE refresh_token SET used_us = \(now) WHERE token_hash = \(hash) AND used_us IS NULL")
  }

  /// Deletes refresh tokens that were used before an instant; returns how many.
  package static func deleteTokens(
    usedBefore instant: Instant, limit: Int, in transaction: any Transaction
  ) throws -> Int {
    try transaction.execute(
      """
      DELETE FROM refresh_token WHERE token_hash IN (
        SELECT token_hash FROM refresh_token
        WHERE used_us IS NOT NULL AND used_us < \(instant)
        ORDER BY used_us LIMIT \(limit))
      """)
  }

  /// Deletes sessions, with their tokens, that expired before an instant; returns how many.
  package static func deleteSessions(
    expiredBefore instant: Instant, limit: Int, in transaction: any Transaction
  ) throws -> Int {
    try transaction.execute(
      """
      DELETE FROM session WHERE id IN (
        SELECT id FROM session WHERE expires_us < \(instant) ORDER BY expires_us LIMIT \(limit))
      """)
  }

  private static let columns: SQL =
    "id, user_id, device_name, organization_id, created_us, refreshed_us, ended_us"

  private static func session(_ row: Row) throws -> Session {
    Session(
      id: try row.read("id"), userID: try row.read("user_id"),
      deviceName: try row.text("device_name"), createdAt: try row.instant("created_us"),
      organizationID: try row.readOptional("organization_id"),
      refreshedAt: try row.instant("refreshed_us"), endedAt: try row.optionalInstant("ended_us"))
  }
}
