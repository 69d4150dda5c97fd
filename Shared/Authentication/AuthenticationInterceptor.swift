package import RPCCore
package import SharedDomain

/// Finds out who calls and whether they may, before anything else looks at the request.
///
/// By the method's ``AccessPolicy``: verifies the bearer token, asks for session and membership,
/// sets the context's principal, and applies ORG-4 (what was not granted is NOT_FOUND, a forbidden
/// action on something visible PERMISSION_DENIED) and ORG-7 (no writes while an organization is
/// closing, nothing once it is deleted).
package struct AuthenticationInterceptor: ServerInterceptor {
  private let policies: [String: AccessPolicy]
  private let tokens: AccessTokenVerifier
  private let checker: AccessChecker

  /// Traps, naming the method, when a registered one has no policy.
  ///
  /// - Parameters:
  ///   - policies: by method path, `/kontor.shop.v1.OrderService/GetOrder`.
  ///   - registrations: all that the server offers.
  package init(
    policies: [String: AccessPolicy], registrations: [ServiceRegistration],
    tokens: AccessTokenVerifier, checker: AccessChecker
  ) {
    let missing = AccessPolicy.missing(for: registrations, in: policies)
    precondition(missing.isEmpty, "no access policy for \(missing.joined(separator: ", "))")
    self.policies = policies
    self.tokens = tokens
    self.checker = checker
  }

  package func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    var context = context
    context.principal = try await principal(for: context)
    try await proceed(context)
  }

  /// The caller, nil where the method needs none; throws where the call is refused.
  private func principal(for context: ServerContext) async throws -> Principal? {
    guard let policy = policies[context.method.path] else {
      if AccessPolicy.infrastructureServices.contains(context.method.service) { return nil }
      throw RPCError.noAccessPolicy(context.method)
    }
    switch policy {
    case .public:
      return nil
    case .internalOnly:
      guard !context.peer.certificateNames.isEmpty else {
        throw RPCError.peerNotAllowed(context.method)
      }
      return nil
    case .authenticated:
      let claims = try await tokens.verifiedClaims(of: context)
      let subject = AccessSubject(
        userID: claims.userID, sessionID: claims.sessionID, organizationID: nil)
      _ = try await liveAccess(subject, context)
      return Principal(userID: claims.userID, sessionID: claims.sessionID, membership: nil)
    case .permission(let permission):
      let claims = try await tokens.verifiedClaims(of: context)
      let subject = AccessSubject(
        userID: claims.userID, sessionID: claims.sessionID, organizationID: claims.organizationID)
      let access = try await liveAccess(subject, context)
      guard subject.organizationID != nil else { throw RPCError.noActiveOrganization() }
      let membership = try Self.authorize(access.organization, permission, context.method)
      return Principal(
        userID: claims.userID, sessionID: claims.sessionID, membership: membership)
    }
  }

  private func liveAccess(
    _ subject: AccessSubject, _ context: ServerContext
  ) async throws -> Access {
    let access = try await checker.access(subject, context.callOptions())
    guard access.isSessionActive else { throw RPCError.sessionEnded() }
    // A membership of another organization answers a question that nobody asked.
    if let found = access.organization?.membership.organizationID,
      found != subject.organizationID
    {
      throw RPCError(.internalError, "the access check answered for another organization")
    }
    return access
  }

  /// Whether a member of an organization may call a method that needs the permission (ORG-4, ORG-7).
  ///
  /// - Returns: the membership that allows it.
  package static func authorize(
    _ access: OrganizationAccess?, _ permission: Permission, _ method: MethodDescriptor
  ) throws(RPCError) -> Membership {
    guard let access, access.state != .deleted else { throw .organizationNotFound() }
    switch access.membership.decision(for: permission) {
    case .allowed: break
    case .hidden: throw .hiddenResource()
    case .forbidden: throw .permissionDenied(permission)
    }
    guard access.state == .active || method.isReadOnly else { throw .organizationClosing() }
    return access.membership
  }
}
