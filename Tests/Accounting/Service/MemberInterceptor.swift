import Authentication
import RPCCore
import ServiceStorage
import SharedDomain

/// Applies the access policies as the real interceptor does, for a member that is given instead of
/// a token.
struct MemberInterceptor: ServerInterceptor {
  let policies: [String: AccessPolicy]
  let member: Member?
  /// Whether the caller has another service's certificate.
  var isService = false

  func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    var context = context
    guard let policy = policies[context.method.path] else {
      throw RPCError.noAccessPolicy(context.method)
    }
    switch policy {
    case .public: break
    case .internalOnly: if !isService { throw RPCError.peerNotAllowed(context.method) }
    case .authenticated: throw RPCError(.internalError, "no method here is for any user")
    case .permission(let permission):
      guard let member else { throw RPCError.tokenMissing() }
      context.principal = Principal(
        userID: member.userID, sessionID: id(1),
        membership: try AuthenticationInterceptor.authorize(
          OrganizationAccess(membership: member.membership, state: .active), permission,
          context.method))
    }
    try await proceed(context)
  }
}

/// A user in an organization.
struct Member: Sendable {
  let userID: UserID
  let membership: Membership

  var organizationID: OrganizationID { membership.organizationID }

  /// An admin of the organization with a number.
  static func admin(of organization: UInt64) -> Member {
    member(of: organization, role: .admin, billing: true)
  }

  static func member(of organization: UInt64, role: Role, billing: Bool) -> Member {
    Member(
      userID: id(100 + organization),
      membership: Membership(
        organizationID: id(organization), role: role, hasBillingRights: billing, version: 1))
  }
}
