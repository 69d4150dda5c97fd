internal import Messages
package import OrganizationsAPI
internal import RPCCore
internal import SharedDomain

extension AccessChecker {
  /// Asks organizations, which asks identity for the session: one internal call.
  package init(asking client: AccessServiceClient) {
    self.init { subject, options in
      let response = try await client.checkAccess(
        CheckAccessRequest(
          userID: subject.userID.text, sessionID: subject.sessionID.text,
          organizationID: subject.organizationID?.text ?? ""),
        options: options)
      guard let access = Access(response, in: subject.organizationID) else {
        throw RPCError(.internalError, "the access check's answer is not understood")
      }
      return access
    }
  }
}

extension Access {
  /// The answer as it crosses the wire.
  package func message(isLegalRepresentative: Bool) -> CheckAccessResponse {
    CheckAccessResponse(
      sessionActive: isSessionActive,
      membership: organization?.membership.message(
        isLegalRepresentative: isLegalRepresentative),
      organizationState: organization?.state.message ?? .unspecified)
  }

  /// The answer for a subject in an organization; nil where it says what this program does not
  /// know, which must not be taken for a right.
  init?(_ response: CheckAccessResponse, in organizationID: OrganizationID?) {
    guard let message = response.membership else {
      self.init(isSessionActive: response.sessionActive, organization: nil)
      return
    }
    guard let organizationID, let membership = Membership(message, in: organizationID),
      let state = SharedDomain.OrganizationState(response.organizationState)
    else { return nil }
    self.init(
      isSessionActive: response.sessionActive,
      organization: OrganizationAccess(membership: membership, state: state))
  }
}

extension SharedDomain.Membership {
  /// The rights as they cross the wire, grants sorted.
  package func message(isLegalRepresentative: Bool) -> OrganizationsAPI.Membership {
    OrganizationsAPI.Membership(
      role: role.message, billing: hasBillingRights,
      productIDs: productGrants.sorted().map(\.text), version: version,
      legalRepresentative: isLegalRepresentative)
  }

  /// The rights in an organization; nil for an unknown role or a grant that is no id.
  init?(_ message: OrganizationsAPI.Membership, in organizationID: OrganizationID) {
    guard let role = SharedDomain.Role(message.role) else { return nil }
    var grants: Set<ProductID> = []
    for text in message.productIDs {
      guard let product = ProductID(text) else { return nil }
      grants.insert(product)
    }
    self.init(
      organizationID: organizationID, role: role, hasBillingRights: message.billing,
      productGrants: grants, version: message.version)
  }
}

extension SharedDomain.Role {
  /// The role as it crosses the wire.
  package var message: OrganizationsAPI.Role {
    switch self {
    case .admin: .admin
    case .member: .member
    }
  }

  init?(_ message: OrganizationsAPI.Role) {
    switch message {
    case .admin: self = .admin
    case .member: self = .member
    case .unspecified, .unrecognized: return nil
    }
  }
}

extension SharedDomain.OrganizationState {
  /// The state as it crosses the wire.
  package var message: OrganizationsAPI.OrganizationState {
    switch self {
    case .active: .active
    case .closing: .closing
    case .deleted: .deleted
    }
  }

  init?(_ message: OrganizationsAPI.OrganizationState) {
    switch message {
    case .active: self = .active
    case .closing: self = .closing
    case .deleted: self = .deleted
    case .unspecified, .unrecognized: return nil
    }
  }
}
