internal import Authentication
internal import OrganizationsAPI
internal import OrganizationsDomain
internal import OrganizationsStorage
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// Makes organizations for identity's sign-ups (ORG-1).
struct ProvisioningHandlers: OrganizationProvisioningService {
  let clock: any WallClock
  let identifiers: IdentifierGenerator
  let operations: OperationStore
  let audit: OrganizationsAudit

  func createOrganization(
    _ request: CreateOrganizationRequest, context: ServerContext
  ) async throws -> CreateOrganizationResponse {
    let peer = try context.allowedPeer()
    var checks = FieldChecks()
    let displayName = OrganizationName(
      checks.text(request.displayName, "display_name", OrganizationName.length))
    let userID: UserID? = checks.identifier(request.userID, "user_id")
    let (name, founder) = try checks.values(displayName, userID)
    let operation = try operations.operation(
      scope: peer.actor, method: context.method, requestID: request.requestID,
      request: request)
    let founding = Founding(
      id: identifiers.next(), name: name, founder: founder, now: clock.now())
    return try await operations.run(operation) { transaction in
      try OrganizationStore.insert(founding, in: transaction)
      try audit.append(founding, by: peer.executable, in: transaction)
      let view = MemberView(organization: founding.organization, member: founding.founder)
      return CreateOrganizationResponse(organization: view.message)
    }
  }
}

extension ServerContext {
  /// The service that calls, by the certificate's name for which the RPC is allowed.
  ///
  /// The transport refuses other peers already; the name is taken here to keep each service's
  /// request ids apart.
  func allowedPeer() throws(RPCError) -> ServiceName {
    let allowed = OrganizationsServices.allowedPeers[method.service] ?? []
    let names = peer.certificateNames
    guard let service = allowed.first(where: { names.contains($0.executable) }) else {
      throw .peerNotAllowed(method)
    }
    return service
  }
}
