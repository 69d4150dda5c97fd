internal import IdentityAPI
internal import IdentityDomain
internal import IdentityStorage
internal import RPCCore
internal import SQLCore
internal import SharedDomain

extension SessionHandlers {
  /// Exchanges a refresh token, which works once. One that is used again ends the session, durably
  /// although the call fails: somebody else has it.
  func refreshSession(
    _ request: RefreshSessionRequest, context: ServerContext
  ) async throws -> RefreshSessionResponse {
    try await answering {
      guard let hash = RefreshTokens.hash(request.refreshToken) else {
        throw IdentityError.refreshTokenInvalid
      }
      let now = core.clock.now()
      let token = RefreshTokens.make(core.random)
      guard let newHash = RefreshTokens.hash(token) else {
        throw RPCError(.internalError, "a new refresh token is none")
      }
      let outcome: Result<IdentityDomain.Session, IdentityError>
      outcome = try await core.database.write { transaction in
        guard let stored = try SessionStore.refreshToken(hash: hash, in: transaction),
          let session = try SessionStore.find(stored.sessionID, in: transaction)
        else { return .failure(.refreshTokenInvalid) }
        let user = try UserStore.find(session.userID, in: transaction)
        switch session.refreshing(
          tokenWasUsed: stored.wasUsed, defaultOrganization: user?.defaultOrganizationID, at: now)
        {
        case .refused: return .failure(.sessionEnded)
        case .revoked(let ended):
          try SessionStore.update(ended, in: transaction)
          return .failure(.refreshTokenInvalid)
        case .refreshed(let refreshed):
          try SessionStore.use(refreshTokenHash: hash, at: now, in: transaction)
          try SessionStore.insert(
            refreshTokenHash: newHash, of: session.id, at: now, in: transaction)
          try SessionStore.update(refreshed, in: transaction)
          return .success(refreshed)
        }
      }
      let session = try outcome.get()
      return RefreshSessionResponse(
        tokens: try await tokens(of: session, refreshToken: token, at: now),
        session: session.message(current: session.id))
    }
  }
}
