internal import Authentication
internal import GoogleAPI
internal import OrganizationsAPI
internal import OrganizationsDomain
internal import OrganizationsStorage
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// The caller's organizations.
struct OrganizationHandlers: OrganizationService {
  let database: any Database

  func getOrganization(
    _ request: GetOrganizationRequest, context: ServerContext
  ) async throws -> GetOrganizationResponse {
    let caller = try context.caller()
    var checks = FieldChecks()
    let organizationID: OrganizationID? = checks.identifier(
      request.organizationID, "organization_id")
    let id = try checks.values(organizationID)
    let view = try await database.read { transaction in
      try OrganizationStore.organization(id, memberedBy: caller.userID, in: transaction)
    }
    guard let view else { throw OrganizationsError.organizationNotFound(id).status }
    return GetOrganizationResponse(organization: view.message)
  }

  func listOrganizations(
    _ request: ListOrganizationsRequest, context: ServerContext
  ) async throws -> ListOrganizationsResponse {
    let caller = try context.caller()
    var checks = FieldChecks()
    let page = Page(
      size: request.pageSize, token: request.pageToken, filter: [], keyCount: 1, &checks)
    let after = page.key(&checks) { OrganizationID($0[0]) }
    try checks.finish()
    let views = try await database.read { transaction in
      try OrganizationStore.organizations(
        of: caller.userID, after: after, limit: page.limit + 1, in: transaction)
    }
    let (shown, token) = page.cut(views) { [$0.organization.id.text] }
    return ListOrganizationsResponse(organizations: shown.map(\.message), nextPageToken: token)
  }

  func listAuditEntries(
    _ request: ListAuditEntriesRequest, context: ServerContext
  ) async throws -> ListAuditEntriesResponse {
    guard let organizationID = try context.caller().organizationID else {
      throw RPCError.noActiveOrganization()
    }
    var checks = FieldChecks()
    let page = Page(
      size: request.pageSize, token: request.pageToken, filter: [organizationID.text],
      keyCount: 1, &checks)
    let after = page.key(&checks) { Int64($0[0]) }
    try checks.finish()
    let entries = try await database.read { transaction in
      try AuditLog.page(
        of: organizationID, after: after, limit: page.limit + 1, in: transaction)
    }
    let (shown, token) = page.cut(entries) { [String($0.position)] }
    return ListAuditEntriesResponse(entries: shown.map(\.message), nextPageToken: token)
  }
}

extension ServerContext {
  /// The signed-in caller that the access policy let through.
  ///
  /// - Throws: UNAUTHENTICATED where there is none: a server without its interceptor lets nobody
  ///   in.
  func caller() throws(RPCError) -> Principal {
    guard let principal else { throw .tokenMissing() }
    return principal
  }
}
