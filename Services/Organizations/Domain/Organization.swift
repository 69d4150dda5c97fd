package import SharedDomain

/// A customer: what owns products, members and books.
package struct Organization: Sendable, Hashable {
  package let id: OrganizationID
  package let name: OrganizationName
  package let state: OrganizationState
  package let createdAt: Instant

  package init(
    id: OrganizationID, name: OrganizationName, state: OrganizationState, createdAt: Instant
  ) {
    self.id = id
    self.name = name
    self.state = state
    self.createdAt = createdAt
  }
}

/// A new organization with its first member (ORG-1, ORG-3).
package struct Founding: Sendable, Hashable {
  package let organization: Organization
  package let founder: Member

  /// Founds an organization: it is in use at once, and its founder has all rights and represents it
  /// legally.
  package init(id: OrganizationID, name: OrganizationName, founder: UserID, now: Instant) {
    organization = Organization(id: id, name: name, state: .active, createdAt: now)
    self.founder = Member(
      userID: founder, role: .admin, hasBillingRights: true, isLegalRepresentative: true,
      version: 1, joinedAt: now)
  }
}
