package import Authentication
internal import IdentityAPI
internal import RPCCore
package import SharedDomain

/// Who may call which RPC of identity.
package enum IdentityAccess {
  /// By method path.
  package static let policies: [String: AccessPolicy] = [
    SignUpServiceMethods.signUp.path: .public,
    SignUpServiceMethods.confirmSignUp.path: .public,
    SignUpServiceMethods.resendSignUpCode.path: .public,
    SignUpServiceMethods.getSignUp.path: .public,
    SessionServiceMethods.signIn.path: .public,
    SessionServiceMethods.refreshSession.path: .public,
    SessionServiceMethods.signOut.path: .authenticated,
    SessionServiceMethods.listSessions.path: .authenticated,
    SessionServiceMethods.revokeSession.path: .authenticated,
    SessionServiceMethods.switchOrganization.path: .authenticated,
    UserServiceMethods.getUser.path: .authenticated,
    SessionVerificationServiceMethods.listSigningKeys.path: .internalOnly,
    SessionVerificationServiceMethods.checkSession.path: .internalOnly,
  ]

  /// Which services may call each RPC service.
  package static let allowedPeers: [String: Set<ServiceName>] = [
    SignUpServiceMethods.signUp.service: [.gateway],
    SessionServiceMethods.signIn.service: [.gateway],
    UserServiceMethods.getUser.service: [.gateway],
    SessionVerificationServiceMethods.checkSession.service: [.organizations, .shop, .accounting],
  ]
}
