internal import IdentityAPI
internal import RequestValidation
internal import SharedDomain

extension AccessClaims {
  /// The claims on the wire.
  var message: AccessTokenClaims {
    AccessTokenClaims(
      issuer: issuer, audience: audience, userID: userID.text, sessionID: sessionID.text,
      organizationID: organizationID?.text ?? "", issueTime: issuedAt.timestamp,
      expireTime: expiresAt.timestamp)
  }

  /// The claims of a token; nil where an id or a time is missing or none.
  init?(_ message: AccessTokenClaims) {
    guard let userID = UserID(message.userID), let sessionID = SessionID(message.sessionID),
      let issueTime = message.issueTime, let issuedAt = Instant(issueTime),
      let expireTime = message.expireTime, let expiresAt = Instant(expireTime)
    else { return nil }
    var organizationID: OrganizationID?
    if !message.organizationID.isEmpty {
      guard let id = OrganizationID(message.organizationID) else { return nil }
      organizationID = id
    }
    self.init(
      issuer: message.issuer, audience: message.audience, userID: userID, sessionID: sessionID,
      organizationID: organizationID, issuedAt: issuedAt, expiresAt: expiresAt)
  }
}
