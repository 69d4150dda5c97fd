internal import Authentication
internal import OrganizationsAPI
internal import OrganizationsDomain
internal import OrganizationsStorage
internal import RequestValidation
internal import ServiceStorage
internal import SharedDomain

extension MemberView {
  /// The organization as it crosses the wire.
  var message: OrganizationsAPI.Organization {
    OrganizationsAPI.Organization(
      organizationID: organization.id.text, displayName: organization.name.text,
      state: organization.state.message, createTime: organization.createdAt.timestamp,
      membership: membership.message(isLegalRepresentative: member.isLegalRepresentative))
  }
}

extension ServiceStorage.AuditEntry {
  /// The entry as it crosses the wire: what is in the chain, without values.
  var message: OrganizationsAPI.AuditEntry {
    OrganizationsAPI.AuditEntry(
      sequence: sequence, createTime: record.at.timestamp, actor: record.actor,
      action: record.action, target: record.target, hash: hash)
  }
}
