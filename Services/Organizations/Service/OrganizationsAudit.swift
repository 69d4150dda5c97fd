internal import OrganizationsDomain
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// The entries that this service writes into an organization's audit log (ORG-8).
struct OrganizationsAudit: Sendable {
  let identifiers: IdentifierGenerator
  private let log = AuditLog()

  init(identifiers: IdentifierGenerator) { self.identifiers = identifiers }

  /// The two entries of a founding: the organization, then its first membership. The founder did
  /// it, through the service that is named beside.
  func append(
    _ founding: Founding, by service: String, in transaction: any Transaction
  ) throws(SQLError) {
    let organization = founding.organization
    let founder = founding.founder
    let actor = "user:\(founder.userID)"
    try log.append(
      AuditRecord(
        id: identifiers.next(), organizationID: organization.id, at: organization.createdAt,
        actor: actor, action: "organization.created", target: "organization:\(organization.id)",
        source: nil,
        fields: [
          .plain("service", after: service),
          // A private person's organization bears their name.
          .personal("display_name", after: organization.name.text, subject: actor),
        ]),
      in: transaction)
    try log.append(
      AuditRecord(
        id: identifiers.next(), organizationID: organization.id, at: founder.joinedAt,
        actor: actor, action: "membership.created", target: actor, source: nil,
        fields: [
          .plain("service", after: service), .plain("role", after: founder.role.rawValue),
          .plain("billing", after: String(founder.hasBillingRights)),
          .plain("legal_representative", after: String(founder.isLegalRepresentative)),
        ]),
      in: transaction)
  }
}
