package import SharedDomain

/// A user in an organization, with their rights (ORG-3).
package struct Member: Sendable, Hashable {
  package let userID: UserID
  package let role: Role
  /// Implied for ``Role/admin``.
  package let hasBillingRights: Bool
  /// The products that a ``Role/member`` was granted; none for an admin, who reaches all.
  package let productGrants: Set<ProductID>
  package let isLegalRepresentative: Bool
  /// Grows with every change to the membership, from 1.
  package let version: Int64
  package let joinedAt: Instant

  package init(
    userID: UserID, role: Role, hasBillingRights: Bool, productGrants: Set<ProductID> = [],
    isLegalRepresentative: Bool, version: Int64, joinedAt: Instant
  ) {
    self.userID = userID
    self.role = role
    self.hasBillingRights = hasBillingRights || role == .admin
    self.productGrants = role == .admin ? [] : productGrants
    self.isLegalRepresentative = isLegalRepresentative
    self.version = version
    self.joinedAt = joinedAt
  }

  /// The rights, as the other services see them.
  package func membership(in organization: OrganizationID) -> Membership {
    Membership(
      organizationID: organization, role: role, hasBillingRights: hasBillingRights,
      productGrants: productGrants, version: version)
  }
}

/// The rights that a member is to have (ORG-3).
package struct MemberRights: Sendable, Hashable {
  package var role: Role
  package var hasBillingRights: Bool
  package var productGrants: Set<ProductID>
  package var isLegalRepresentative: Bool

  package init(
    role: Role, hasBillingRights: Bool = false, productGrants: Set<ProductID> = [],
    isLegalRepresentative: Bool = false
  ) {
    self.role = role
    self.hasBillingRights = hasBillingRights
    self.productGrants = productGrants
    self.isLegalRepresentative = isLegalRepresentative
  }
}
