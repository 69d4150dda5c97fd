package import SharedDomain

/// A sign-in on one device (ID-1).
package struct Session: Sendable, Hashable {
  package let id: SessionID
  package let userID: UserID
  /// What the client called itself; may be empty.
  package let deviceName: String
  package let createdAt: Instant
  /// The active organization (ORG-5); nil where there is none yet.
  package private(set) var organizationID: OrganizationID?
  /// When it was last refreshed; at first when it began.
  package private(set) var refreshedAt: Instant
  /// When it was ended, by sign-out, revocation or the reuse of a refresh token.
  package private(set) var endedAt: Instant?

  /// How long a session lives without being refreshed.
  package static let idleLifetime = Duration.days(30)
  /// How long a session lives at all.
  package static let absoluteLifetime = Duration.days(90)
  /// How long an access token works.
  package static let accessTokenLifetime = Duration.minutes(10)

  package init(
    id: SessionID, userID: UserID, deviceName: String, createdAt: Instant,
    organizationID: OrganizationID?, refreshedAt: Instant, endedAt: Instant?
  ) {
    self.id = id
    self.userID = userID
    self.deviceName = deviceName
    self.createdAt = createdAt
    self.organizationID = organizationID
    self.refreshedAt = refreshedAt
    self.endedAt = endedAt
  }

  /// A session that begins now, in the user's default organization.
  package init(beginning id: SessionID, of user: UserAccount, deviceName: String, at now: Instant) {
    self.init(
      id: id, userID: user.id, deviceName: deviceName, createdAt: now,
      organizationID: user.defaultOrganizationID, refreshedAt: now, endedAt: nil)
  }

  /// When the session, and with it its newest refresh token, expires unless it is refreshed.
  package var expiresAt: Instant {
    min(
      refreshedAt.advanced(by: Self.idleLifetime), createdAt.advanced(by: Self.absoluteLifetime))
  }

  /// When an access token made now stops working: never after the session.
  package func accessTokenExpiry(at now: Instant) -> Instant {
    min(now.advanced(by: Self.accessTokenLifetime), expiresAt)
  }

  package func isActive(at now: Instant) -> Bool {
    endedAt == nil && now < expiresAt
  }

  /// What presenting a refresh token of the session leads to.
  package enum RefreshDecision: Sendable, Hashable {
    /// The token is exchanged.
    case refreshed(Session)
    /// The token was used before: somebody else has it, and the session ends.
    case revoked(Session)
    /// The session is over.
    case refused
  }

  /// Decides on a refresh token of this session.
  ///
  /// - Parameter organization: the user's default, for a session that has no organization yet.
  package func refreshing(
    tokenWasUsed: Bool, defaultOrganization organization: OrganizationID?, at now: Instant
  ) -> RefreshDecision {
    guard isActive(at: now) else { return .refused }
    if tokenWasUsed { return .revoked(ending(at: now)) }
    var changed = self
    changed.refreshedAt = now
    changed.organizationID = organizationID ?? organization
    return .refreshed(changed)
  }

  /// The session after it was ended; the same where it has ended before.
  package func ending(at now: Instant) -> Session {
    guard endedAt == nil else { return self }
    var changed = self
    changed.endedAt = now
    return changed
  }

  /// The session in another organization (ORG-5).
  package func switching(
    to organization: OrganizationID, at now: Instant
  ) throws(IdentityError) -> Session {
    guard isActive(at: now) else { throw .sessionEnded }
    var changed = self
    changed.organizationID = organization
    return changed
  }
}
