import Authentication
import Messages
import RPCCore
import ServiceStorage
import SharedDomain

/// Calls a service in this process, message bytes and access policies included.
struct LoopbackChannel: ClientChannel {
  private let handlers: [String: MethodHandler]
  private let interceptors: [any ServerInterceptor]

  init(_ registrations: [ServiceRegistration], interceptors: [any ServerInterceptor] = []) {
    handlers = Dictionary(
      registrations.flatMap(\.methods).map { ($0.method.path, $0) }, uniquingKeysWith: { $1 })
    self.interceptors = interceptors
  }

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    guard let handler = handlers[method.path] else {
      throw RPCError(.unimplemented, "no \(method.path)")
    }
    let input = MessageBuffer()
    input.fill(request)
    let output = MessageBuffer()
    do {
      try await handler.invoke(
        UnaryInvocation(
          request: input.message,
          context: ServerContext(method: method, metadata: options.metadata),
          interceptors: interceptors, arena: MessageArena(), limits: .standard, output: output))
    } catch let error as RPCError {
      throw error
    } catch {
      throw RPCError(.internalError, "\(error)")
    }
    return RawResponse(message: Array(output.message))
  }

  func close() async {}
}

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
