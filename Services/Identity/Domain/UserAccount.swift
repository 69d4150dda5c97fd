package import SharedDomain

/// A person who signs in (ID-1).
package struct UserAccount: Sendable, Hashable {
  package let id: UserID
  package let address: EmailAddress
  package let givenName: String
  package let familyName: String
  package let language: Language
  /// The organization that new sessions begin in; nil until there is one.
  package let defaultOrganizationID: OrganizationID?
  package let createdAt: Instant

  package init(
    id: UserID, address: EmailAddress, givenName: String, familyName: String, language: Language,
    defaultOrganizationID: OrganizationID?, createdAt: Instant
  ) {
    self.id = id
    self.address = address
    self.givenName = givenName
    self.familyName = familyName
    self.language = language
    self.defaultOrganizationID = defaultOrganizationID
    self.createdAt = createdAt
  }

  /// The user of a sign-up whose code was accepted.
  package init(id: UserID, of signUp: SignUp, at now: Instant) {
    self.init(
      id: id, address: signUp.address, givenName: signUp.party.givenName,
      familyName: signUp.party.familyName, language: signUp.language, defaultOrganizationID: nil,
      createdAt: now)
  }

  /// The first letters of first and last name, in upper case (ID-2).
  package var initials: String {
    [givenName, familyName].compactMap(\.first).map { $0.uppercased() }.joined()
  }
}
