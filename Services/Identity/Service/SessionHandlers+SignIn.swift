internal import Cryptography
internal import IdentityAPI
internal import IdentityDomain
internal import IdentityStorage
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import SharedDomain

/// What a sign-in's request holds, after it was found right.
private struct SignInAttempt: Sendable {
  let login: String
  let password: String
  let deviceName: String
  /// Where it comes from; nil where nobody said.
  let source: String?
  let loginKey: [UInt8]
  let sourceKey: [UInt8]?
}

extension SessionHandlers {
  /// Signs in. Unknown addresses take the same way as known ones up to the answer: the same reads,
  /// a password check of the same cost, the same count of failures (ID-8).
  func signIn(_ request: SignInRequest, context: ServerContext) async throws -> SignInResponse {
    try await answering {
      let attempt = try self.attempt(request, context)
      try sources.check(attempt.source, at: core.clock.now())
      return try await concurrency.run(attempt.loginKey) {
        let (credentials, bucket) = try await admitted(attempt)
        let isRight: Bool
        do throws(CryptographyError) {
          isRight = try await check(attempt.password, credentials)
        } catch {
          throw error.status
        }
        guard isRight, let credentials else {
          try await countFailure(attempt, bucket)
          throw IdentityError.wrongCredentials
        }
        return try await begin(attempt, credentials, bucket)
      }
    }
  }

  private func attempt(
    _ request: SignInRequest, _ context: ServerContext
  ) throws -> SignInAttempt {
    var checks = FieldChecks()
    let email = checks.email(request.email)
    let length = request.password.unicodeScalars.count
    let most = PasswordPolicy.maximumCharacters
    if length == 0 {
      checks.fail("password", "is required")
    } else if length > most {
      checks.fail("password", "has \(length) characters; no password has more than \(most)")
    }
    let deviceName = checks.text(request.deviceName, "device_name", 0...100)
    let address = try checks.values(email)
    let source = context.clientAddress
    return SignInAttempt(
      login: address.login, password: request.password, deviceName: deviceName, source: source,
      loginKey: core.secrets.loginMark("login \(address.login)"),
      sourceKey: source.map { core.secrets.loginMark("source \($0)") })
  }

  /// The account of the login, if any, and where its failures are counted; throws while the next
  /// attempt has to wait.
  private func admitted(
    _ attempt: SignInAttempt
  ) async throws -> (UserStore.Credentials?, SignInFailureStore.Bucket) {
    let now = core.clock.now()
    return try await core.database.read { transaction in
      let bucket = try SignInFailureStore.bucket(
        loginKey: attempt.loginKey, sourceKey: attempt.sourceKey, in: transaction)
      try SignInFailureStore.failures(bucket, in: transaction).check(at: now)
      return (try UserStore.credentials(login: attempt.login, in: transaction), bucket)
    }
  }

  private func check(
    _ password: String, _ credentials: UserStore.Credentials?
  ) async throws(CryptographyError) -> Bool {
    guard let credentials else {
      try await core.passwords.verifyNobody(password)
      return false
    }
    return try await core.passwords.verify(password, against: credentials.passwordHash)
  }

  private func countFailure(
    _ attempt: SignInAttempt, _ bucket: SignInFailureStore.Bucket
  ) async throws {
    let now = core.clock.now()
    sources.failed(attempt.source, at: now)
    try await core.database.write { transaction in
      let failures = try SignInFailureStore.failures(bucket, in: transaction)
      try SignInFailureStore.set(failures.adding(at: now), bucket, in: transaction)
    }
  }

  /// Begins the session of a sign-in that succeeded.
  private func begin(
    _ attempt: SignInAttempt, _ credentials: UserStore.Credentials,
    _ bucket: SignInFailureStore.Bucket
  ) async throws -> SignInResponse {
    let stored = credentials.passwordHash
    var upgraded: String?
    if core.passwords.needsRehash(stored) {
      // A busy hasher upgrades another time.
      upgraded = try? await core.passwords.hash(attempt.password)
    }
    let now = core.clock.now()
    let id: SessionID = core.identifiers.next()
    let token = RefreshTokens.make(core.random)
    guard let tokenHash = RefreshTokens.hash(token) else {
      throw RPCError(.internalError, "a new refresh token is none")
    }
    let newHash = upgraded
    let (user, session) = try await core.database.write { transaction in
      // The password may have been changed while it was being checked.
      guard let current = try UserStore.credentials(login: attempt.login, in: transaction),
        current.user.id == credentials.user.id, current.passwordHash == stored
      else { throw IdentityError.wrongCredentials }
      if let newHash {
        try UserStore.upgradePasswordHash(
          of: current.user.id, from: stored, to: newHash, in: transaction)
      }
      try SignInFailureStore.clear(bucket, in: transaction)
      if let sourceKey = attempt.sourceKey {
        try SignInFailureStore.remember(
          sourceKey: sourceKey, loginKey: attempt.loginKey, at: now, in: transaction)
      }
      let session = IdentityDomain.Session(
        beginning: id, of: current.user, deviceName: attempt.deviceName, at: now)
      try SessionStore.insert(session, in: transaction)
      try SessionStore.insert(
        refreshTokenHash: tokenHash, of: id, at: now, in: transaction)
      return (current.user, session)
    }
    return SignInResponse(
      tokens: try await tokens(of: session, refreshToken: token, at: now),
      session: session.message(current: id), user: user.message)
  }
}
