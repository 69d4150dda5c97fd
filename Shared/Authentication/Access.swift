package import SharedDomain

/// Whose rights are asked for: a user by a session, in an organization.
package struct AccessSubject: Sendable, Hashable {
  package let userID: UserID
  package let sessionID: SessionID
  /// Nil to ask for the session only.
  package let organizationID: OrganizationID?

  package init(userID: UserID, sessionID: SessionID, organizationID: OrganizationID?) {
    self.userID = userID
    self.sessionID = sessionID
    self.organizationID = organizationID
  }
}

/// What an ``AccessSubject`` may do at this moment (ORG-4).
package struct Access: Sendable, Hashable {
  /// Whether the session belongs to the user and has not ended.
  package let isSessionActive: Bool
  /// The rights in the organization and where it stands; nil where the user is no member, or where
  /// no organization was asked for.
  package let organization: OrganizationAccess?

  package init(isSessionActive: Bool, organization: OrganizationAccess?) {
    self.isSessionActive = isSessionActive
    self.organization = organization
  }

  /// The answer for a session that has ended.
  package static let sessionEnded = Access(isSessionActive: false, organization: nil)
}

/// A member's rights, with the state of the organization that they are in.
package struct OrganizationAccess: Sendable, Hashable {
  package let membership: Membership
  package let state: OrganizationState

  package init(membership: Membership, state: OrganizationState) {
    self.membership = membership
    self.state = state
  }
}
