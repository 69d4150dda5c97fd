internal import GoogleAPI
internal import IdentityDomain
internal import RPCCore
internal import SharedDomain

/// The one place where identity's errors become statuses.
extension IdentityError {
  var status: RPCError {
    switch self {
    case .signUpNotFound(let id):
      RPCError(
        .notFound, reason: "SIGN_UP_NOT_FOUND",
        "there is no sign-up \(id): begin one with SignUp")
    case .signUpExpired:
      RPCError(
        .failedPrecondition, reason: "SIGN_UP_EXPIRED",
        "the sign-up is over: begin a new one with SignUp")
    case .signUpAlreadyConfirmed:
      RPCError(
        .failedPrecondition, reason: "SIGN_UP_ALREADY_CONFIRMED",
        "the code was entered already: read the sign-up with GetSignUp, then sign in")
    case .accountExists:
      RPCError(
        .alreadyExists, reason: "ACCOUNT_EXISTS",
        "the address has an account by now: sign in with it")
    case .wrongCode(let attemptsLeft):
      RPCError(
        .invalidArgument, reason: "CODE_WRONG",
        attemptsLeft > 0
          ? "the code is not the one that was mailed last; attempts left: \(attemptsLeft)"
          : "the code is not the one that was mailed last; ask for a new one with ResendSignUpCode",
        metadata: ["attempts_left": String(attemptsLeft)],
        fields: [
          FieldViolation(field: "code", description: "is not the code that was mailed last")
        ])
    case .codeExpired:
      RPCError(
        .failedPrecondition, reason: "CODE_EXPIRED",
        "the code has expired: ask for a new one with ResendSignUpCode")
    case .codeAttemptsUsedUp:
      RPCError(
        .failedPrecondition, reason: "CODE_ATTEMPTS_USED_UP",
        "a wrong code was entered too often: ask for a new one with ResendSignUpCode")
    case .codeRequestedTooSoon(let retryAfter):
      RPCError.exhausted(
        "CODE_REQUESTED_TOO_SOON", "a code was just sent: wait before asking for another",
        retryAfter: retryAfter)
    case .codesUsedUp:
      RPCError(
        .resourceExhausted, reason: "CODES_USED_UP",
        "\(SignUpCode.maximumGenerations) codes were sent for this sign-up: begin a new one with "
          + "SignUp")
    case .tooManySignUps(let retryAfter):
      RPCError.exhausted(
        "TOO_MANY_SIGN_UPS", "the address was named in too many sign-ups: wait before the next",
        retryAfter: retryAfter)
    case .wrongCredentials:
      RPCError(
        .unauthenticated, reason: "CREDENTIALS_WRONG", "address or password is wrong")
    case .tooManySignIns(let retryAfter):
      RPCError.exhausted(
        "TOO_MANY_SIGN_INS", "too many sign-ins failed: wait before the next",
        retryAfter: retryAfter)
    case .refreshTokenInvalid:
      RPCError(
        .unauthenticated, reason: "REFRESH_TOKEN_INVALID",
        "the refresh token is unknown or was used before: sign in again")
    case .sessionEnded:
      RPCError(.unauthenticated, reason: "SESSION_ENDED", "the session has ended: sign in again")
    case .sessionNotFound(let id):
      RPCError(
        .notFound, reason: "SESSION_NOT_FOUND",
        "you have no session \(id): list yours with ListSessions")
    case .organizationNotFound(let id):
      RPCError(
        .notFound, reason: "ORGANIZATION_NOT_FOUND",
        "you belong to no organization \(id): list yours with ListOrganizations")
    }
  }
}

extension RPCError {
  /// RESOURCE_EXHAUSTED with the time to wait, in whole seconds rounded up.
  static func exhausted(_ reason: String, _ message: String, retryAfter: Duration) -> RPCError {
    let (seconds, attoseconds) = retryAfter.components
    let wait = max(1, seconds + (attoseconds > 0 ? 1 : 0))
    var error = RPCError(
      .resourceExhausted, reason: reason, "\(message) (\(wait) s)",
      metadata: ["retry_after_seconds": String(wait)])
    error.details.append(.retryInfo(RetryInfo(retryDelay: ProtoDuration(seconds: wait))))
    return error
  }
}

/// Runs a handler's body; identity's errors become statuses.
func answering<Response>(
  _ body: () async throws -> Response
) async throws -> Response {
  do {
    return try await body()
  } catch let error as IdentityError {
    throw error.status
  }
}
