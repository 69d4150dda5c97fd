internal import Authentication
internal import Cryptography
internal import GoogleAPI
internal import IdentityAPI
internal import IdentityDomain
internal import IdentityStorage
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import SharedDomain

/// `SessionVerificationService`: what other services need to trust a caller.
struct VerificationHandlers: SessionVerificationService {
  let core: IdentityCore

  func listSigningKeys(
    _ request: ListSigningKeysRequest, context: ServerContext
  ) async throws -> ListSigningKeysResponse {
    ListSigningKeysResponse(
      keys: core.keys.verificationKeys(at: core.clock.now()).map { key in
        SigningKey(
          keyID: key.id, publicKey: key.publicKey.rawRepresentation,
          expireTime: key.expiresAt?.timestamp)
      })
  }

  func checkSession(
    _ request: CheckSessionRequest, context: ServerContext
  ) async throws -> CheckSessionResponse {
    var checks = FieldChecks()
    let sessionID: SessionID? = checks.identifier(request.sessionID, "session_id")
    let userID: UserID? = checks.identifier(request.userID, "user_id")
    let (session, user) = try checks.values(sessionID, userID)
    return CheckSessionResponse(active: try await core.isActive(session, of: user))
  }
}

extension IdentityCore {
  /// Whether the session belongs to the user and has not ended: what has been answered to a
  /// sign-out holds for every later question.
  func isActive(_ session: SessionID, of user: UserID) async throws -> Bool {
    let now = clock.now()
    return try await database.read { transaction in
      try SessionStore.find(session, of: user, in: transaction)?.isActive(at: now) ?? false
    }
  }
}
