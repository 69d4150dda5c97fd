package import Authentication
internal import IdentityAPI
internal import RPCCore
internal import SharedDomain

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

  /// The peers' names, as their certificates have them, for each RPC service.
  package static let allowedPeers: [String: Set<String>] = [
    "kontor.identity.v1.SignUpService": ["kontor-gateway"],
    "kontor.identity.v1.SessionService": ["kontor-gateway"],
    "kontor.identity.v1.UserService": ["kontor-gateway"],
    "kontor.identity.v1.SessionVerificationService": [
      "kontor-organizations", "kontor-shop", "kontor-accounting",
    ],
  ]
}
