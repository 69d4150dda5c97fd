internal import Authentication
internal import OrganizationsDomain
internal import RPCCore

extension OrganizationsError {
  /// What callers are told.
  var status: RPCError {
    switch self {
    case .organizationNotFound:
      .organizationNotFound()
    case .noMember(let user):
      RPCError(
        .notFound, reason: "MEMBER_NOT_FOUND",
        "user \(user) is no member of the organization: list its members")
    case .lastLegalRepresentative(let user):
      RPCError(
        .failedPrecondition, reason: "LAST_LEGAL_REPRESENTATIVE",
        "user \(user) is the organization's last legal representative: name another admin as one "
          + "first")
    }
  }
}
