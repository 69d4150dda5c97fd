internal import IdentityAPI
package import Logging
internal import OrganizationsAPI
package import RPCCore
package import SharedDomain

/// The interceptors of the services that authenticate their callers over the network.
extension AuthenticationInterceptor {
  /// Fetches the keys of tokens from identity, and asks organizations for session and membership.
  ///
  /// - Parameters:
  ///   - policies: by method path.
  ///   - registrations: all that the server offers.
  package init(
    policies: [String: AccessPolicy], registrations: [ServiceRegistration],
    identity: any ClientChannel, organizations: any ClientChannel, clock: any WallClock,
    logger: Logger
  ) {
    self.init(
      policies: policies, registrations: registrations, identity: identity,
      checker: AccessChecker(asking: AccessServiceClient(channel: organizations)), clock: clock,
      logger: logger)
  }

  /// Fetches the keys of tokens from identity; `checker` answers for session and membership.
  package init(
    policies: [String: AccessPolicy], registrations: [ServiceRegistration],
    identity: any ClientChannel, checker: AccessChecker, clock: any WallClock, logger: Logger
  ) {
    let keys = SigningKeyCache(
      asking: SessionVerificationServiceClient(channel: identity), logger: logger)
    self.init(
      policies: policies, registrations: registrations,
      tokens: AccessTokenVerifier(keys: keys, clock: clock), checker: checker)
  }
}
