internal import Cryptography
internal import IdentityAPI
internal import IdentityDomain
internal import IdentityStorage
internal import Messages
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopAPI

/// `SignUpService`: signing up by placing an order (ORG-1, ID-8).
struct SignUpHandlers: SignUpService {
  let core: IdentityCore
  let validation: SignUpValidation
  let relay: OutboxRelay

  func signUp(
    _ request: SignUpRequest, context: ServerContext
  ) async throws -> SignUpResponse {
    try await answering {
      // The password is part of what the request id stands for, but not of what is stored of it.
      var shown = request
      shown.password = core.secrets.passwordMark(request.password)
      if let saved: SignUpResponse = try await saved(request.requestID, shown, context) {
        return saved
      }
      let draft = try await validation.draft(request, context)
      let quote = try draft.quote.serialized()
      // The hash is made for known addresses too: the time tells nothing (ID-8).
      let passwordHash = try await core.passwords.hashAnswering(request.password)
      let operation = try core.operations.operation(
        scope: "anonymous", method: context.method, requestID: request.requestID, request: shown)
      let id: SignUpID = core.identifiers.next()
      let mailID = core.identifiers.next()
      let now = core.clock.now()
      return try await core.operations.run(operation) { transaction in
        try SignUpLimit.check(
          begun: SignUpStore.begun(
            for: draft.address.login, since: now.advanced(by: .zero - SignUpLimit.window),
            limit: SignUpLimit.maximum, in: transaction),
          at: now)
        let isKnown = try UserStore.exists(login: draft.address.login, in: transaction)
        let signUp = IdentityDomain.SignUp(
          beginning: id, address: draft.address, language: draft.language, party: draft.party,
          acceptedTermsVersion: draft.acceptedTermsVersion, quote: quote, opensAccount: !isKnown,
          at: now)
        try SignUpStore.insert(
          signUp, passwordHash: isKnown ? nil : passwordHash, in: transaction)
        try SignUpMails.enqueue(signUp, id: mailID, at: now, in: transaction)
        return SignUpResponse(signUp: try signUp.message(at: now))
      }
    }
  }

  /// The saved answer of a repeated call, so that it costs no password hash and needs no shop.
  private func saved(
    _ requestID: String, _ request: SignUpRequest, _ context: ServerContext
  ) async throws -> SignUpResponse? {
    guard Operation.isRequestID(requestID) else { return nil }
    return try await core.operations.answer(
      to: core.operations.operation(
        scope: "anonymous", method: context.method, requestID: requestID, request: request))
  }

  func resendSignUpCode(
    _ request: ResendSignUpCodeRequest, context: ServerContext
  ) async throws -> ResendSignUpCodeResponse {
    try await answering {
      var checks = FieldChecks()
      checks.requestID(request.requestID)
      let signUpID: SignUpID? = checks.identifier(request.signUpID, "sign_up_id")
      let id = try checks.values(signUpID)
      let operation = try core.operations.operation(
        scope: "anonymous", method: context.method, requestID: request.requestID, request: request)
      let mailID = core.identifiers.next()
      let now = core.clock.now()
      return try await core.operations.run(operation) { transaction in
        guard let signUp = try SignUpStore.find(id, in: transaction) else {
          throw IdentityError.signUpNotFound(id)
        }
        let changed = try signUp.issuingCode(at: now)
        try SignUpStore.update(changed, in: transaction)
        try SignUpMails.enqueue(changed, id: mailID, at: now, in: transaction)
        return ResendSignUpCodeResponse(signUp: try changed.message(at: now))
      }
    }
  }

  func getSignUp(
    _ request: GetSignUpRequest, context: ServerContext
  ) async throws -> GetSignUpResponse {
    try await answering {
      var checks = FieldChecks()
      let signUpID: SignUpID? = checks.identifier(request.signUpID, "sign_up_id")
      let id = try checks.values(signUpID)
      return GetSignUpResponse(signUp: try await current(id))
    }
  }

  /// The sign-up as it stands now.
  func current(_ id: SignUpID) async throws -> IdentityAPI.SignUp {
    let signUp = try await core.database.read { transaction in
      try SignUpStore.find(id, in: transaction)
    }
    guard let signUp else { throw IdentityError.signUpNotFound(id) }
    return try signUp.message(at: core.clock.now())
  }
}

extension PasswordHasher {
  /// The hash of a new password; a full queue answers RESOURCE_EXHAUSTED.
  func hashAnswering(_ password: String) async throws -> String {
    do {
      return try await hash(password)
    } catch {
      throw error.status
    }
  }
}

extension CryptographyError {
  /// What a caller is told when a password cannot be hashed or checked now.
  var status: any Error {
    guard code == .overloaded else { return self }
    return RPCError.exhausted(
      "OVERLOADED", "too many passwords are being checked: try again in a moment",
      retryAfter: .seconds(1))
  }
}
