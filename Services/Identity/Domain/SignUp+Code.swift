package import SharedDomain

extension SignUp {
  /// What entering a code leads to.
  package enum CodeDecision: Sendable, Hashable {
    /// The account may be opened.
    case accepted
    /// The code was entered before, and the caller may be repeating that call.
    case alreadyAccepted
    /// Refused; nothing changes.
    case refused(IdentityError)
    /// Refused, and the attempt counts: the sign-up must be stored although the call fails.
    case counted(SignUp, IdentityError)
  }

  /// Decides on an entered code.
  ///
  /// What is told before the code is found right depends on time and number of attempts alone, so
  /// that a sign-up for a known address answers like any other (ID-8).
  package func entering(codeMatches: Bool, at now: Instant) -> CodeDecision {
    switch progress {
    case .opening, .complete: return .alreadyAccepted
    case .awaitingCode, .closed: break
    }
    guard now < expiresAt else { return .refused(.signUpExpired) }
    guard code.wrongAttempts < SignUpCode.maximumWrongAttempts else {
      return .refused(.codeAttemptsUsedUp)
    }
    guard now < code.issuedAt.advanced(by: SignUpCode.lifetime) else {
      return .refused(.codeExpired)
    }
    guard codeMatches, opensAccount else {
      var counted = self
      counted.countWrongAttempt()
      return .counted(
        counted,
        .wrongCode(
          attemptsLeft: SignUpCode.maximumWrongAttempts - counted.code.wrongAttempts))
    }
    return progress == .closed ? .refused(.accountExists) : .accepted
  }

  private mutating func countWrongAttempt() {
    code = SignUpCode(
      generation: code.generation, issuedAt: code.issuedAt, wrongAttempts: code.wrongAttempts + 1)
  }

  /// The sign-up with a new code; the old one stops working.
  package func issuingCode(at now: Instant) throws(IdentityError) -> SignUp {
    switch progress {
    case .opening, .complete: throw .signUpAlreadyConfirmed
    case .closed: throw .signUpExpired
    case .awaitingCode: break
    }
    guard now < expiresAt else { throw .signUpExpired }
    guard code.generation < SignUpCode.maximumGenerations else { throw .codesUsedUp }
    let next = code.issuedAt.advanced(by: SignUpCode.minimumInterval)
    guard now >= next else { throw .codeRequestedTooSoon(retryAfter: next.since(now)) }
    var changed = self
    changed.code = SignUpCode(
      generation: code.generation + 1, issuedAt: now, wrongAttempts: 0)
    return changed
  }

  /// The sign-up after its code was accepted and its user was made.
  package func opening(user: UserID) -> SignUp {
    precondition(progress == .awaitingCode, "a user is made once")
    var changed = self
    changed.progress = .opening(user, nil)
    return changed
  }

  /// The sign-up after its code was right, but the address has an account by now (ID-6).
  package func closing() -> SignUp {
    precondition(progress == .awaitingCode, "only an awaited sign-up loses the race")
    var changed = self
    changed.progress = .closed
    return changed
  }

  /// The sign-up after its organization was made; the same where it had one.
  package func adding(_ organization: OrganizationID) -> SignUp {
    guard case .opening(let user, nil) = progress else { return self }
    var changed = self
    changed.progress = .opening(user, organization)
    return changed
  }

  /// The sign-up after its order was made, which completes it; the same where it is not due.
  package func adding(_ order: OrderID) -> SignUp {
    guard case .opening(let user, let organization?) = progress else { return self }
    var changed = self
    changed.progress = .complete(user, organization, order)
    return changed
  }
}

/// How often an address may be named in sign-ups, so that nobody's mailbox is flooded.
///
/// It counts sign-ups, never accounts, and so tells nothing about them (ID-8).
package enum SignUpLimit {
  /// Sign-ups for one address within ``window``.
  package static let maximum = 5
  package static let window = Duration.hours(1)

  /// Throws where the address was named in too many sign-ups.
  ///
  /// - Parameter begun: when the latest ``maximum`` sign-ups of the address began, newest first.
  package static func check(begun: [Instant], at now: Instant) throws(IdentityError) {
    guard begun.count >= maximum else { return }
    let free = begun[maximum - 1].advanced(by: window)
    guard now < free else { return }
    throw .tooManySignUps(retryAfter: free.since(now))
  }
}
