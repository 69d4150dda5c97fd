package import IdentityDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// Sign-ups in the table `sign_up`.
package enum SignUpStore {
  /// Stores a sign-up that begins.
  ///
  /// - Parameter passwordHash: of the password to come; nil where no account is going to be opened.
  package static func insert(
    _ signUp: SignUp, passwordHash: String?, in transaction: any Transaction
  ) throws {
    let party = signUp.party
    try transaction.execute(
      """
      INSERT INTO sign_up (
        id, login, email, language, given_name, family_name, company_name, street,
        building_number, postal_code, town, country_code, vat_number, accepted_terms_version,
        quote, opens_account, password_hash, state, code_generation, code_issued_us,
        code_wrong_attempts, created_us)
      VALUES (
        \(signUp.id), \(signUp.address.login), \(signUp.address.text), \(signUp.language),
        \(party.givenName), \(party.familyName), \(party.companyName), \(party.street),
        \(party.buildingNumber), \(party.postalCode), \(party.town), \(party.countryCode),
        \(party.vatNumber), \(signUp.acceptedTermsVersion), \(signUp.quote),
        \(signUp.opensAccount), \(passwordHash), 'AWAITING_CODE', \(signUp.code.generation),
        \(signUp.code.issuedAt), \(signUp.code.wrongAttempts), \(signUp.createdAt))
      """)
  }

  /// Stores what changes in a sign-up: the code and how far it has come. The password's hash goes
  /// as soon as it is no longer awaited.
  package static func update(_ signUp: SignUp, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      UPDATE sign_up SET
        state = \(signUp.progress.stateName),
        password_hash =
          CASE \(signUp.progress.stateName) WHEN 'AWAITING_CODE' THEN password_hash END,
        code_generation = \(signUp.code.generation),
        code_issued_us = \(signUp.code.issuedAt),
        code_wrong_attempts = \(signUp.code.wrongAttempts),
        user_id = \(signUp.userID),
        organization_id = \(signUp.organizationID),
        order_id = \(signUp.orderID)
      WHERE id = \(signUp.id)
      """)
  }

  /// Reads a sign-up; nil where there is none.
  package static func find(_ id: SignUpID, in transaction: any Transaction) throws -> SignUp? {
    try transaction.first(
      """
      SELECT id, email, language, given_name, family_name, company_name, street, building_number,
        postal_code, town, country_code, vat_number, accepted_terms_version, quote, opens_account,
        state, code_generation, code_issued_us, code_wrong_attempts, user_id, organization_id,
        order_id, created_us
      FROM sign_up WHERE id = \(id)
      """
    ).map(signUp)
  }

  /// The hash of the password of an awaited sign-up; nil where no account is going to be opened.
  package static func passwordHash(
    of id: SignUpID, in transaction: any Transaction
  ) throws -> String? {
    try transaction.first("SELECT password_hash FROM sign_up WHERE id = \(id)")?
      .optionalText("password_hash")
  }

  /// When the latest sign-ups for a login began, newest first.
  package static func begun(
    for login: String, since: Instant, limit: Int, in transaction: any Transaction
  ) throws -> [Instant] {
    try transaction.rows(
      """
      SELECT created_us FROM sign_up
      WHERE login = \(login) AND created_us > \(since)
      ORDER BY created_us DESC LIMIT \(limit)
      """
    ).map { try $0.instant("created_us") }
  }

  /// Deletes sign-ups that began before an instant and came to nothing; returns how many.
  package static func deleteUnconfirmed(
    createdBefore instant: Instant, limit: Int, in transaction: any Transaction
  ) throws -> Int {
    try transaction.execute(
      """
      DELETE FROM sign_up WHERE id IN (
        SELECT id FROM sign_up
        WHERE created_us < \(instant) AND state IN ('AWAITING_CODE', 'CLOSED')
        ORDER BY created_us LIMIT \(limit))
      """)
  }

  private static func signUp(_ row: Row) throws -> SignUp {
    SignUp(
      id: try row.read("id"), address: try row.read("email"), language: try row.read("language"),
      party: Party(
        givenName: try row.text("given_name"), familyName: try row.text("family_name"),
        companyName: try row.text("company_name"), street: try row.text("street"),
        buildingNumber: try row.text("building_number"), postalCode: try row.text("postal_code"),
        town: try row.text("town"), countryCode: try row.text("country_code"),
        vatNumber: try row.text("vat_number")),
      acceptedTermsVersion: try row.text("accepted_terms_version"), quote: try row.blob("quote"),
      opensAccount: try row.bool("opens_account"), createdAt: try row.instant("created_us"),
      code: SignUpCode(
        generation: try row.int("code_generation"), issuedAt: try row.instant("code_issued_us"),
        wrongAttempts: try row.int("code_wrong_attempts")),
      progress: try progress(row))
  }

  private static func progress(_ row: Row) throws -> SignUp.Progress {
    switch try row.text("state") {
    case "AWAITING_CODE": return .awaitingCode
    case "CLOSED": return .closed
    case "OPENING":
      return .opening(try row.read("user_id"), try row.readOptional("organization_id"))
    case "COMPLETE":
      return .complete(
        try row.read("user_id"), try row.read("organization_id"), try row.read("order_id"))
    default: throw SQLError(.unexpectedValue, "column state holds no state of a sign-up")
    }
  }
}

extension SignUp.Progress {
  /// The name in the column `state`.
  fileprivate var stateName: String {
    switch self {
    case .awaitingCode: "AWAITING_CODE"
    case .opening: "OPENING"
    case .complete: "COMPLETE"
    case .closed: "CLOSED"
    }
  }
}
