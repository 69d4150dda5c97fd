package import SharedDomain

/// Why a decision of this domain was refused.
package enum OrganizationsError: Error, Sendable, Hashable {
  /// There is no such organization, or the caller is no member of it (ORG-4).
  case organizationNotFound(OrganizationID)
  /// The user is no member of the organization.
  case noMember(UserID)
  /// The user is the last legal representative, who can neither leave nor be removed or
  /// demoted (ORG-3).
  case lastLegalRepresentative(UserID)
}
