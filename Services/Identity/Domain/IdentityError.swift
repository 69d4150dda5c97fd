package import SharedDomain

/// Why identity refuses a call.
package enum IdentityError: Error, Sendable, Hashable {
  /// There is no such sign-up.
  case signUpNotFound(SignUpID)
  /// The sign-up's day is over, or it was closed.
  case signUpExpired
  /// The code was entered before.
  case signUpAlreadyConfirmed
  /// The code was right, but the address got an account in the meantime (ID-6, ID-8).
  case accountExists
  /// The code is wrong; that many attempts are left before a new code is needed.
  case wrongCode(attemptsLeft: Int)
  /// The code's hour is over.
  case codeExpired
  /// The code was entered wrongly too often.
  case codeAttemptsUsedUp
  /// A new code was asked for too soon.
  case codeRequestedTooSoon(retryAfter: Duration)
  /// No more codes are sent for the sign-up.
  case codesUsedUp
  /// The address was named in too many sign-ups.
  case tooManySignUps(retryAfter: Duration)
  /// The address or the password is wrong (ID-8: never which).
  case wrongCredentials
  /// Too many sign-ins failed for the login or from the source.
  case tooManySignIns(retryAfter: Duration)
  /// The refresh token was never issued, has expired, or was used before.
  case refreshTokenInvalid
  /// The session has ended or expired.
  case sessionEnded
  /// The user has no such session.
  case sessionNotFound(SessionID)
  /// The user belongs to no such organization (ORG-4).
  case organizationNotFound(OrganizationID)
}
