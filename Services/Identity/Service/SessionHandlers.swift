internal import Authentication
internal import GoogleAPI
internal import IdentityAPI
internal import IdentityDomain
internal import IdentityStorage
internal import OrganizationsAPI
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// `SessionService`: sign-in, tokens, sessions (ID-1, ID-8, ORG-5).
struct SessionHandlers: SessionService {
  let core: IdentityCore
  let sources: SourceLimiter
  let concurrency: ConcurrentSignInLimiter
  let access: AccessServiceClient

  func signOut(_ request: SignOutRequest, context: ServerContext) async throws -> SignOutResponse {
    try await answering {
      let caller = try context.caller()
      let operation = try core.operations.operation(
        scope: "user:\(caller.userID)", method: context.method, requestID: request.requestID,
        request: request)
      let now = core.clock.now()
      return try await core.operations.run(operation) { transaction in
        try Self.end(caller.sessionID, of: caller.userID, at: now, in: transaction)
        return SignOutResponse()
      }
    }
  }

  func revokeSession(
    _ request: RevokeSessionRequest, context: ServerContext
  ) async throws -> RevokeSessionResponse {
    try await answering {
      let caller = try context.caller()
      var checks = FieldChecks()
      checks.requestID(request.requestID)
      let sessionID: SessionID? = checks.identifier(request.sessionID, "session_id")
      let id = try checks.values(sessionID)
      let operation = try core.operations.operation(
        scope: "user:\(caller.userID)", method: context.method, requestID: request.requestID,
        request: request)
      let now = core.clock.now()
      return try await core.operations.run(operation) { transaction in
        try Self.end(id, of: caller.userID, at: now, in: transaction)
        return RevokeSessionResponse()
      }
    }
  }

  /// Ends a session of the user; one that has ended stays so.
  private static func end(
    _ id: SessionID, of user: UserID, at now: Instant, in transaction: any Transaction
  ) throws {
    guard let session = try SessionStore.find(id, of: user, in: transaction) else {
      throw IdentityError.sessionNotFound(id)
    }
    try SessionStore.update(session.ending(at: now), in: transaction)
  }

  func listSessions(
    _ request: ListSessionsRequest, context: ServerContext
  ) async throws -> ListSessionsResponse {
    let caller = try context.caller()
    var checks = FieldChecks()
    let page = Page(
      size: request.pageSize, token: request.pageToken, filter: [caller.userID.text], keyCount: 1,
      &checks)
    let before = page.key(&checks) { SessionID($0[0]) }
    try checks.finish()
    let now = core.clock.now()
    let sessions = try await core.database.read { transaction in
      try SessionStore.active(
        of: caller.userID, at: now, before: before, limit: page.limit + 1, in: transaction)
    }
    let (shown, token) = page.cut(sessions) { [$0.id.text] }
    return ListSessionsResponse(
      sessions: shown.map { $0.message(current: caller.sessionID) }, nextPageToken: token)
  }

  func switchOrganization(
    _ request: SwitchOrganizationRequest, context: ServerContext
  ) async throws -> SwitchOrganizationResponse {
    try await answering {
      let caller = try context.caller()
      var checks = FieldChecks()
      let organizationID: OrganizationID? = checks.identifier(
        request.organizationID, "organization_id")
      let wanted = try checks.values(organizationID)
      try await checkMembership(of: caller, in: wanted, context)
      let now = core.clock.now()
      let session = try await core.database.write { transaction in
        guard
          let session = try SessionStore.find(
            caller.sessionID, of: caller.userID, in: transaction)
        else { throw IdentityError.sessionEnded }
        let changed = try session.switching(to: wanted, at: now)
        try SessionStore.update(changed, in: transaction)
        try UserStore.setDefaultOrganization(of: caller.userID, to: wanted, in: transaction)
        return changed
      }
      return SwitchOrganizationResponse(
        tokens: try await tokens(of: session, refreshToken: nil, at: now),
        session: session.message(current: session.id))
    }
  }

  /// An organization that the caller is no member of looks as if it did not exist (ORG-4).
  private func checkMembership(
    of caller: Principal, in organization: OrganizationID, _ context: ServerContext
  ) async throws {
    let answer: CheckAccessResponse
    do {
      answer = try await access.checkAccess(
        CheckAccessRequest(
          userID: caller.userID.text, sessionID: caller.sessionID.text,
          organizationID: organization.text),
        options: context.peerOptions())
    } catch {
      throw RPCError.peerFailed("organizations", error, context)
    }
    guard answer.sessionActive else { throw IdentityError.sessionEnded }
    guard answer.membership != nil, answer.organizationState != .deleted else {
      throw IdentityError.organizationNotFound(organization)
    }
  }

  /// The tokens of a session: a new access token, and a refresh token where there is a new one.
  func tokens(
    of session: IdentityDomain.Session, refreshToken: String?, at now: Instant
  ) async throws -> SessionTokens {
    let expiry = session.accessTokenExpiry(at: now)
    let token = try await core.keys.token(
      AccessClaims(
        userID: session.userID, sessionID: session.id, organizationID: session.organizationID,
        issuedAt: now, expiresAt: expiry),
      at: now)
    return SessionTokens(
      accessToken: token, accessTokenExpireTime: expiry.timestamp,
      refreshToken: refreshToken ?? "", refreshTokenExpireTime: session.expiresAt.timestamp)
  }
}
