/// Who calls: a user, the session that signed the call, and what the user may do in the active
/// organization (ORG-3).
package struct Principal: Sendable, Hashable {
  package let userID: UserID
  package let sessionID: SessionID
  /// The rights in the active organization; nil when the session has none.
  package let membership: Membership?

  package init(userID: UserID, sessionID: SessionID, membership: Membership?) {
    self.userID = userID
    self.sessionID = sessionID
    self.membership = membership
  }

  /// The active organization.
  package var organizationID: OrganizationID? { membership?.organizationID }
}

/// A user's rights in one organization (ORG-3).
package struct Membership: Sendable, Hashable {
  package let organizationID: OrganizationID
  package let role: Role
  /// Whether the member may see and pay bills; implied for ``Role/admin``.
  package let hasBillingRights: Bool
  /// The products granted to a ``Role/member``; an admin reaches all.
  package let productGrants: Set<ProductID>
  /// Grows with every change to the membership.
  package let version: Int64

  package init(
    organizationID: OrganizationID, role: Role, hasBillingRights: Bool,
    productGrants: Set<ProductID> = [], version: Int64
  ) {
    self.organizationID = organizationID
    self.role = role
    self.hasBillingRights = hasBillingRights || role == .admin
    self.productGrants = productGrants
    self.version = version
  }
}

/// The role of a member: all rights, or the granted ones only (ORG-3).
package enum Role: String, Sendable, Hashable, CaseIterable {
  case admin = "ADMIN"
  case member = "MEMBER"
}

/// What an action needs in the active organization.
package enum Permission: Sendable, Hashable, CaseIterable {
  /// To belong to the organization.
  case viewOrganization
  /// To change the organization itself and its members, and to read its audit log.
  case administerOrganization
  /// To place, pay and cancel orders (SHOP-5).
  case placeOrders
  /// To see products; the list is filtered to what the member may see (PROD-2).
  case viewProducts
  /// To see and pay what is due, to top up and to read invoices (ORG-3).
  case manageBilling
}

/// What an authorization answers.
package enum AuthorizationDecision: Sendable, Hashable {
  case allowed
  /// The resource must look as if it did not exist (ORG-4).
  case hidden
  /// The resource is visible, the action is not allowed (ORG-4).
  case forbidden
}

extension Membership {
  /// Whether the member may do what needs `permission` (ORG-3, ORG-4).
  package func decision(for permission: Permission) -> AuthorizationDecision {
    switch (role, permission) {
    case (.admin, _): .allowed
    case (.member, .viewOrganization), (.member, .viewProducts): .allowed
    case (.member, .manageBilling): hasBillingRights ? .allowed : .hidden
    case (.member, .placeOrders), (.member, .administerOrganization): .forbidden
    }
  }

  /// Whether the member may see a product: an admin sees all, a member the granted ones (ORG-4).
  package func canSee(_ product: ProductID) -> Bool {
    role == .admin || productGrants.contains(product)
  }
}
