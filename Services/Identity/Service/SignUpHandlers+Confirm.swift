internal import IdentityAPI
internal import IdentityDomain
internal import IdentityStorage
internal import Logging
internal import Messages
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

extension SignUpHandlers {
  /// Enters the code. What is saved for a repeated call is only which user was made; the answer
  /// shows the sign-up as it stands, so that a repeated call tells the later progress.
  func confirmSignUp(
    _ request: ConfirmSignUpRequest, context: ServerContext
  ) async throws -> ConfirmSignUpResponse {
    try await answering {
      var checks = FieldChecks()
      checks.requestID(request.requestID)
      let signUpID: SignUpID? = checks.identifier(request.signUpID, "sign_up_id")
      if !SignUpCode.isWellFormed(request.code) {
        checks.fail("code", "has \(SignUpCode.digits) digits")
      }
      let id = try checks.values(signUpID)
      var shown = request
      shown.code = ""
      let operation = try core.operations.operation(
        scope: "anonymous", method: context.method, requestID: request.requestID, request: shown)

      try await countAttempt(request.code, id)
      try await openAccount(request.code, id, operation)
      await advance(id)
      return ConfirmSignUpResponse(signUp: try await current(id))
    }
  }

  /// Judges the code in a transaction of its own: a wrong attempt counts although the call fails,
  /// and attempts that come together are judged one after the other.
  private func countAttempt(_ code: String, _ id: SignUpID) async throws {
    let (secrets, now) = (core.secrets, core.clock.now())
    let refusal: IdentityError? = try await core.database.write { transaction in
      guard let signUp = try SignUpStore.find(id, in: transaction) else {
        return .signUpNotFound(id)
      }
      switch signUp.entering(codeMatches: secrets.isCode(code, of: signUp), at: now) {
      case .accepted, .alreadyAccepted: return nil
      case .refused(let error): return error
      case .counted(let changed, let error):
        try SignUpStore.update(changed, in: transaction)
        return error
      }
    }
    if let refusal { throw refusal }
  }

  /// Makes the user and orders the rest, once. The unique index on the login decides between two
  /// sign-ups for one address (ID-6); the one that loses is closed.
  private func openAccount(
    _ code: String, _ id: SignUpID, _ operation: Operation
  ) async throws {
    let (secrets, now) = (core.secrets, core.clock.now())
    let userID: UserID = core.identifiers.next()
    do {
      _ = try await core.operations.run(operation) { transaction in
        guard let signUp = try SignUpStore.find(id, in: transaction) else {
          throw IdentityError.signUpNotFound(id)
        }
        switch signUp.entering(codeMatches: secrets.isCode(code, of: signUp), at: now) {
        case .accepted: break
        case .alreadyAccepted: throw IdentityError.signUpAlreadyConfirmed
        case .refused(let error), .counted(_, let error): throw error
        }
        let user = UserAccount(id: userID, of: signUp, at: now)
        guard let passwordHash = try SignUpStore.passwordHash(of: id, in: transaction) else {
          throw RPCError(.internalError, "an awaited sign-up has no password")
        }
        guard try UserStore.insert(user, passwordHash: passwordHash, in: transaction) else {
          throw IdentityError.accountExists
        }
        try SignUpStore.update(signUp.opening(user: userID), in: transaction)
        try SignUpOpening.enqueue(id, at: now, in: transaction)
        return ConfirmSignUpResponse(
          signUp: IdentityAPI.SignUp(signUpID: id.text, userID: userID.text))
      }
    } catch IdentityError.accountExists {
      try await core.database.write { transaction in
        guard let signUp = try SignUpStore.find(id, in: transaction),
          signUp.progress == .awaitingCode
        else { return }
        try SignUpStore.update(signUp.closing(), in: transaction)
      }
      throw IdentityError.accountExists
    }
  }

  /// Drives the opening at once, so that the answer can show it finished. Where a peer does not
  /// answer, the sign-up stays OPENING and the relay goes on.
  private func advance(_ id: SignUpID) async {
    do {
      try await relay.deliver(id.value)
    } catch {
      core.logger.notice("a sign-up is not open yet", metadata: ["sign_up": "\(id)"])
    }
  }
}
