package import RPCCore
package import SharedDomain

/// The refusals of authentication and authorization, with their stable reasons.
extension RPCError {
  package static func tokenMissing() -> RPCError {
    RPCError(
      .unauthenticated, reason: "TOKEN_MISSING",
      "the call needs an access token: sign in and send \"authorization: Bearer <token>\"")
  }

  package static func tokenInvalid() -> RPCError {
    RPCError(
      .unauthenticated, reason: "TOKEN_INVALID",
      "the access token is not one of this installation: sign in again")
  }

  package static func tokenExpired() -> RPCError {
    RPCError(
      .unauthenticated, reason: "TOKEN_EXPIRED",
      "the access token has expired: refresh the session for a new one")
  }

  package static func sessionEnded() -> RPCError {
    RPCError(
      .unauthenticated, reason: "SESSION_ENDED", "the session has ended: sign in again")
  }

  package static func signingKeysUnavailable() -> RPCError {
    RPCError(
      .unavailable, reason: "SIGNING_KEYS_UNAVAILABLE",
      "access tokens cannot be verified now; try again in a moment")
  }

  /// The answer to somebody who is no member, the same for organizations that do not exist.
  package static func organizationNotFound() -> RPCError {
    RPCError(
      .notFound, reason: "ORGANIZATION_NOT_FOUND",
      "there is no such organization, or you are no member of it: "
        + "list your organizations and switch to one of them")
  }

  /// The answer where the member may not even know whether there is something (ORG-4).
  package static func hiddenResource() -> RPCError {
    RPCError(
      .notFound, reason: "RESOURCE_NOT_FOUND",
      "there is no such thing in the active organization, or it was not granted to you")
  }

  package static func noActiveOrganization() -> RPCError {
    RPCError(
      .failedPrecondition, reason: "NO_ACTIVE_ORGANIZATION",
      "the session has no active organization: switch to one of yours first")
  }

  package static func permissionDenied(_ permission: Permission) -> RPCError {
    RPCError(
      .permissionDenied, reason: "PERMISSION_DENIED",
      "your membership does not include \(permission.code): ask an admin of the organization",
      metadata: ["permission": permission.code])
  }

  package static func organizationClosing() -> RPCError {
    RPCError(
      .failedPrecondition, reason: "ORGANIZATION_CLOSING",
      "the organization is being deleted and takes no changes")
  }

  package static func peerNotAllowed(_ method: MethodDescriptor) -> RPCError {
    RPCError(
      .permissionDenied, reason: "PEER_NOT_ALLOWED",
      "\(method.service) is for other services with a certificate of this installation")
  }

  package static func noAccessPolicy(_ method: MethodDescriptor) -> RPCError {
    RPCError(
      .permissionDenied, reason: "NO_ACCESS_POLICY",
      "\(method.path) has no access policy and is refused")
  }
}

extension Permission {
  /// The stable name in errors, such as `PLACE_ORDERS`.
  package var code: String {
    switch self {
    case .viewOrganization: "VIEW_ORGANIZATION"
    case .administerOrganization: "ADMINISTER_ORGANIZATION"
    case .placeOrders: "PLACE_ORDERS"
    case .viewProducts: "VIEW_PRODUCTS"
    case .manageBilling: "MANAGE_BILLING"
    }
  }
}
