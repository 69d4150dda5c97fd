package import SharedDomain

/// What an access token says.
package struct AccessClaims: Sendable, Hashable {
  /// Who made the token.
  package let issuer: String
  /// Whom it is for.
  package let audience: String
  package let userID: UserID
  package let sessionID: SessionID
  /// The active organization; nil where there is none.
  package let organizationID: OrganizationID?
  package let issuedAt: Instant
  /// When it stops working.
  package let expiresAt: Instant

  package init(
    issuer: String = AccessToken.issuer, audience: String = AccessToken.audience, userID: UserID,
    sessionID: SessionID, organizationID: OrganizationID?, issuedAt: Instant, expiresAt: Instant
  ) {
    self.issuer = issuer
    self.audience = audience
    self.userID = userID
    self.sessionID = sessionID
    self.organizationID = organizationID
    self.issuedAt = issuedAt
    self.expiresAt = expiresAt
  }
}
