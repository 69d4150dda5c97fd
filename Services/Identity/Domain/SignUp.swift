package import SharedDomain

/// Signing up by placing an order (ORG-1): from the mailed code to user, organization and order.
package struct SignUp: Sendable, Hashable {
  package let id: SignUpID
  package let address: EmailAddress
  package let language: Language
  package let party: Party
  package let acceptedTermsVersion: String
  /// The shop's quote as it came; identity keeps it and never reads it.
  package let quote: [UInt8]
  /// False where the address had an account when the sign-up began: everything looks the same,
  /// and no code works (ID-8).
  package let opensAccount: Bool
  package let createdAt: Instant
  package internal(set) var code: SignUpCode
  package internal(set) var progress: Progress

  /// How far a sign-up has come.
  package enum Progress: Sendable, Hashable {
    /// The code has not been entered.
    case awaitingCode
    /// The user exists; the organization perhaps.
    case opening(UserID, OrganizationID?)
    /// User, organization and order exist.
    case complete(UserID, OrganizationID, OrderID)
    /// The code was entered, but the address had an account by then.
    case closed
  }

  /// Where a sign-up stands at a moment, as it is told.
  package enum Stage: Sendable, Hashable {
    case awaitingCode, opening, complete, expired
  }

  /// How long a code can be awaited.
  package static let lifetime = Duration.hours(24)

  package init(
    id: SignUpID, address: EmailAddress, language: Language, party: Party,
    acceptedTermsVersion: String, quote: [UInt8], opensAccount: Bool, createdAt: Instant,
    code: SignUpCode, progress: Progress
  ) {
    self.id = id
    self.address = address
    self.language = language
    self.party = party
    self.acceptedTermsVersion = acceptedTermsVersion
    self.quote = quote
    self.opensAccount = opensAccount
    self.createdAt = createdAt
    self.code = code
    self.progress = progress
  }

  /// A sign-up that begins now, with its first code.
  package init(
    beginning id: SignUpID, address: EmailAddress, language: Language, party: Party,
    acceptedTermsVersion: String, quote: [UInt8], opensAccount: Bool, at now: Instant
  ) {
    self.init(
      id: id, address: address, language: language, party: party,
      acceptedTermsVersion: acceptedTermsVersion, quote: quote, opensAccount: opensAccount,
      createdAt: now, code: SignUpCode(generation: 1, issuedAt: now, wrongAttempts: 0),
      progress: .awaitingCode)
  }

  /// When the sign-up expires unless a code is entered.
  package var expiresAt: Instant { createdAt.advanced(by: Self.lifetime) }

  /// The user that was made, once there is one.
  package var userID: UserID? {
    switch progress {
    case .awaitingCode, .closed: nil
    case .opening(let user, _), .complete(let user, _, _): user
    }
  }

  /// The organization that was made, once there is one.
  package var organizationID: OrganizationID? {
    switch progress {
    case .awaitingCode, .closed: nil
    case .opening(_, let organization): organization
    case .complete(_, let organization, _): organization
    }
  }

  /// The order that was made, once there is one.
  package var orderID: OrderID? {
    if case .complete(_, _, let order) = progress { order } else { nil }
  }

  /// Where the sign-up stands at a moment.
  package func stage(at now: Instant) -> Stage {
    switch progress {
    case .awaitingCode: now < expiresAt ? .awaitingCode : .expired
    case .opening: .opening
    case .complete: .complete
    case .closed: .expired
    }
  }
}

/// The code of a sign-up that is awaited.
package struct SignUpCode: Sendable, Hashable {
  /// Counts the codes of the sign-up, from 1.
  package let generation: Int
  package let issuedAt: Instant
  /// How often a wrong code was entered since this one was issued.
  package let wrongAttempts: Int

  /// Digits of a code.
  package static let digits = 8
  /// How long a code works: an hour, for mail can be slow.
  package static let lifetime = Duration.hours(1)
  /// Wrong attempts after which a new code is needed.
  package static let maximumWrongAttempts = 5
  /// Codes that a sign-up sends at most, the first included.
  package static let maximumGenerations = 6
  /// The least time between two codes of a sign-up.
  package static let minimumInterval = Duration.seconds(30)

  package init(generation: Int, issuedAt: Instant, wrongAttempts: Int) {
    self.generation = generation
    self.issuedAt = issuedAt
    self.wrongAttempts = wrongAttempts
  }

  /// Whether the text has the form of a code: eight ASCII digits.
  package static func isWellFormed(_ text: String) -> Bool {
    text.utf8.count == digits && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}
