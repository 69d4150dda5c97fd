internal import Authentication
internal import OrganizationsAPI
internal import OrganizationsDomain
internal import OrganizationsStorage
internal import RPCCore
internal import RequestValidation
internal import SharedDomain

/// Answers the other services' access checks.
struct AccessHandlers: AccessService {
  let lookup: AccessLookup

  func checkAccess(
    _ request: CheckAccessRequest, context: ServerContext
  ) async throws -> CheckAccessResponse {
    let finding = try await lookup.find(try subject(of: request), context.callOptions())
    return finding.access.message(
      isLegalRepresentative: finding.view?.member.isLegalRepresentative ?? false)
  }

  private func subject(of request: CheckAccessRequest) throws(RPCError) -> AccessSubject {
    var checks = FieldChecks()
    let user: UserID? = checks.identifier(request.userID, "user_id")
    let session: SessionID? = checks.identifier(request.sessionID, "session_id")
    let organizationID: OrganizationID? =
      request.organizationID.isEmpty
      ? nil : checks.identifier(request.organizationID, "organization_id")
    let (userID, sessionID) = try checks.values(user, session)
    return AccessSubject(
      userID: userID, sessionID: sessionID, organizationID: organizationID)
  }
}
