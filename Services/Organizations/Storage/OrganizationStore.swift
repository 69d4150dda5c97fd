package import OrganizationsDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// The tables `organization`, `membership` and `membership_product_grant`: rows to values and back.
package enum OrganizationStore {
  /// Adds a founded organization with its first member.
  package static func insert(
    _ founding: Founding, in transaction: any Transaction
  ) throws(SQLError) {
    let organization = founding.organization
    try transaction.execute(
      """
      INSERT INTO organization (id, display_name, state, created_at_us)
      VALUES (\(organization.id), \(organization.name.text), \(organization.state.rawValue),
        \(organization.createdAt))
      """)
    try insert(founding.founder, of: organization.id, in: transaction)
  }

  /// Adds a member with their product grants.
  package static func insert(
    _ member: Member, of organization: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) {
    try transaction.execute(
      """
      INSERT INTO membership (organization_id, user_id, role, has_billing_rights,
        is_legal_representative, version, joined_at_us)
      VALUES (\(organization), \(member.userID), \(member.role.rawValue),
        \(member.hasBillingRights), \(member.isLegalRepresentative), \(member.version),
        \(member.joinedAt))
      """)
    for product in member.productGrants.sorted() {
      try transaction.execute(
        """
        INSERT INTO membership_product_grant (organization_id, user_id, product_id)
        VALUES (\(organization), \(member.userID), \(product))
        """)
    }
  }

  /// The organization as one of its members sees it; nil where the user is no member and where the
  /// organization is deleted or was never there (ORG-4).
  package static func organization(
    _ id: OrganizationID, memberedBy user: UserID, in transaction: any Transaction
  ) throws(SQLError) -> MemberView? {
    let row = try transaction.first(
      """
      \(viewColumns)
      WHERE m.organization_id = \(id) AND m.user_id = \(user) AND o.state <> 'DELETED'
      """)
    guard let row else { return nil }
    return try view(row, user, in: transaction)
  }

  /// The organizations that a user belongs to, oldest first, deleted ones left out.
  ///
  /// - Parameters:
  ///   - after: the last organization of the page before; ids sort by the time they were made.
  ///   - limit: at most this many.
  package static func organizations(
    of user: UserID, after: OrganizationID?, limit: Int, in transaction: any Transaction
  ) throws(SQLError) -> [MemberView] {
    let position: SQL = after.map { "AND m.organization_id > \($0)" } ?? ""
    let rows = try transaction.rows(
      """
      \(viewColumns)
      WHERE m.user_id = \(user) AND o.state <> 'DELETED' \(position)
      ORDER BY m.organization_id LIMIT \(limit)
      """)
    var views: [MemberView] = []
    for row in rows { views.append(try view(row, user, in: transaction)) }
    return views
  }

  /// A user's membership with the organization's state, deleted ones included; nil for none.
  package static func membership(
    of user: UserID, in organization: OrganizationID, _ transaction: any Transaction
  ) throws(SQLError) -> MemberView? {
    let row = try transaction.first(
      """
      \(viewColumns)
      WHERE m.organization_id = \(organization) AND m.user_id = \(user)
      """)
    guard let row else { return nil }
    return try view(row, user, in: transaction)
  }

  private static let viewColumns: SQL = """
    SELECT o.id, o.display_name, o.state, o.created_at_us, m.role, m.has_billing_rights,
      m.is_legal_representative, m.version, m.joined_at_us
    FROM membership AS m JOIN organization AS o ON o.id = m.organization_id
    """

  private static func view(
    _ row: Row, _ user: UserID, in transaction: any Transaction
  ) throws(SQLError) -> MemberView {
    let id = try row.read("id", as: OrganizationID.self)
    let role = try stored(row, "role", Role.init(rawValue:))
    var grants: Set<ProductID> = []
    if role != .admin {
      let products = try transaction.rows(
        """
        SELECT product_id FROM membership_product_grant
        WHERE organization_id = \(id) AND user_id = \(user)
        """)
      for product in products { grants.insert(try product.read("product_id")) }
    }
    return MemberView(
      organization: Organization(
        id: id, name: try stored(row, "display_name", OrganizationName.init),
        state: try stored(row, "state", OrganizationState.init(rawValue:)),
        createdAt: try row.read("created_at_us")),
      member: Member(
        userID: user, role: role, hasBillingRights: try row.bool("has_billing_rights"),
        productGrants: grants, isLegalRepresentative: try row.bool("is_legal_representative"),
        version: try row.int64("version"), joinedAt: try row.read("joined_at_us")))
  }

  private static func stored<Value>(
    _ row: Row, _ column: String, _ make: (String) -> Value?
  ) throws(SQLError) -> Value {
    guard let value = make(try row.text(column)) else {
      throw SQLError(.unexpectedValue, "column \(column) holds no \(Value.self)")
    }
    return value
  }
}

/// An organization as one of its members sees it.
package struct MemberView: Sendable, Hashable {
  package let organization: Organization
  package let member: Member

  package init(organization: Organization, member: Member) {
    self.organization = organization
    self.member = member
  }

  /// The member's rights, as the other services see them.
  package var membership: Membership { member.membership(in: organization.id) }
}
