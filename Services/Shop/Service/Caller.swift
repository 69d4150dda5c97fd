internal import Authentication
internal import RPCCore
internal import SharedDomain

/// A signed-in member, as the handlers of the active organization see them.
struct Caller {
  let userID: UserID
  let membership: Membership

  var organizationID: OrganizationID { membership.organizationID }

  /// Whose request ids these are.
  var scope: String { "user:\(userID)" }

  /// The caller that the access policy let through.
  ///
  /// - Throws: UNAUTHENTICATED where there is none: a server without its interceptor lets nobody in.
  init(_ context: ServerContext) throws {
    guard let principal = context.principal else { throw RPCError.tokenMissing() }
    guard let membership = principal.membership else { throw RPCError.organizationNotFound() }
    userID = principal.userID
    self.membership = membership
  }
}
