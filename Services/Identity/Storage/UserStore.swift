package import IdentityDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// Users in the table `user_account`.
package enum UserStore {
  /// A user with the hash of the password, as sign-in needs it.
  package struct Credentials: Sendable {
    package let user: UserAccount
    package let passwordHash: String
  }

  /// Stores a new user. False where the login has an account already (ID-6): the unique index
  /// decides, and the transaction goes on.
  package static func insert(
    _ user: UserAccount, passwordHash: String, in transaction: any Transaction
  ) throws -> Bool {
    try transaction.execute(
      """
      INSERT INTO user_account (
        id, login, email, given_name, family_name, language, password_hash,
        default_organization_id, created_us)
      VALUES (
        \(user.id), \(user.address.login), \(user.address.text), \(user.givenName),
        \(user.familyName), \(user.language), \(passwordHash), \(user.defaultOrganizationID),
        \(user.createdAt))
      ON CONFLICT (login) DO NOTHING
      """) == 1
  }

  /// Whether the login has an account.
  package static func exists(
    login: String, in transaction: any Transaction
  ) throws -> Bool {
    try transaction.first("SELECT 1 FROM user_account WHERE login = \(login)") != nil
  }

  package static func find(_ id: UserID, in transaction: any Transaction) throws -> UserAccount? {
    try transaction.first(
      "SELECT \(columns), password_hash FROM user_account WHERE id = \(id)"
    ).map { try credentials($0).user }
  }

  /// The user of a login; nil where there is none.
  package static func credentials(
    login: String, in transaction: any Transaction
  ) throws -> Credentials? {
    try transaction.first(
      "SELECT \(columns), password_hash FROM user_account WHERE login = \(login)"
    ).map(credentials)
  }

  /// Replaces a password's hash by one of the same password at another cost (ID-7); nothing
  /// happens where the password was changed in the meantime.
  package static func upgradePasswordHash(
    of id: UserID, from old: String, to new: String, in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      UPDATE user_account SET password_hash = \(new)
      WHERE id = \(id) AND password_hash = \(old)
      """)
  }

  /// Makes an organization the one that new sessions begin in.
  package static func setDefaultOrganization(
    of id: UserID, to organization: OrganizationID, in transaction: any Transaction
  ) throws {
    try transaction.execute(
      "UPDATE user_account SET default_organization_id = \(organization) WHERE id = \(id)")
  }

  private static let columns: SQL =
    "id, email, given_name, family_name, language, default_organization_id, created_us"

  private static func credentials(_ row: Row) throws -> Credentials {
    Credentials(
      user: UserAccount(
        id: try row.read("id"), address: try row.read("email"),
        givenName: try row.text("given_name"), familyName: try row.text("family_name"),
        language: try row.read("language"),
        defaultOrganizationID: try row.readOptional("default_organization_id"),
        createdAt: try row.instant("created_us")),
      passwordHash: try row.text("password_hash"))
  }
}
