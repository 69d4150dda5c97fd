package import SharedDomain

/// All members of one organization, for the decisions that need to see them together.
package struct MemberRoster: Sendable, Hashable {
  private let members: [UserID: Member]

  /// Takes the members as stored; of two with the same user the later one counts.
  package init(_ members: [Member]) {
    self.members = Dictionary(members.map { ($0.userID, $0) }) { _, later in later }
  }

  /// The member after a change of rights.
  ///
  /// - Throws: ``OrganizationsError/noMember(_:)``, and
  ///   ``OrganizationsError/lastLegalRepresentative(_:)`` where nobody else would represent the
  ///   organization, or where the one representative would lose the role of an admin (ORG-3).
  package func changing(
    _ user: UserID, to rights: MemberRights
  ) throws(OrganizationsError) -> Member {
    let member = try member(user)
    let staysRepresentative = rights.isLegalRepresentative && rights.role == .admin
    guard staysRepresentative || !isLastRepresentative(member) else {
      throw .lastLegalRepresentative(user)
    }
    return Member(
      userID: user, role: rights.role, hasBillingRights: rights.hasBillingRights,
      productGrants: rights.productGrants, isLegalRepresentative: rights.isLegalRepresentative,
      version: member.version + 1, joinedAt: member.joinedAt)
  }

  /// The member who leaves or is removed.
  ///
  /// - Throws: ``OrganizationsError/noMember(_:)``, and
  ///   ``OrganizationsError/lastLegalRepresentative(_:)`` where nobody else represents the
  ///   organization (ORG-3).
  package func removing(_ user: UserID) throws(OrganizationsError) -> Member {
    let member = try member(user)
    guard !isLastRepresentative(member) else { throw .lastLegalRepresentative(user) }
    return member
  }

  private func member(_ user: UserID) throws(OrganizationsError) -> Member {
    guard let member = members[user] else { throw .noMember(user) }
    return member
  }

  private func isLastRepresentative(_ member: Member) -> Bool {
    member.isLegalRepresentative
      && !members.values.contains { $0.isLegalRepresentative && $0.userID != member.userID }
  }
}
