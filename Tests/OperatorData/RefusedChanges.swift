import SQLCore

/// Changes of the rows that `Fixture` makes, each refused by one rule of a schema alone.
///
/// `{short}` stands for one byte, `{zeros}` for 32 and `{ones}` for 32 others; `{id}` is the id in
/// all rows, `{other}` one that is in none.
enum RefusedChanges {
  static func text(of change: String, for dialect: Dialect) -> String {
    func bytes(_ digits: String, _ count: Int) -> String {
      let text = String(repeating: digits, count: count)
      return dialect == .sqlite ? "x'\(text)'" : "'\\x\(text)'::bytea"
    }
    return change.replacing("{short}", with: bytes("00", 1))
      .replacing("{zeros}", with: bytes("00", 32)).replacing("{ones}", with: bytes("11", 32))
      .replacing("{id}", with: "'\(Fixture.id)'")
      .replacing("{other}", with: "'01900000-0000-7000-8000-000000000002'")
  }

  /// The CHECKs of a service's database, alike in both dialects, each with changes that it refuses.
  static func byCheck(of service: String) -> [String: [String]] {
    let own: [String: [String]] =
      switch service {
      case "identity": identity
      case "organizations": organizations
      case "shop": shop
      default: accounting
      }
    return shared.merging(own) { $0 + $1 }
  }

  private static let shared: [String: [String]] = [
    "operation_request_hash_length": ["UPDATE operation SET request_hash = {short}"],
    "outbox_is_head_flag": ["UPDATE outbox SET is_head = 2"],
    "audit_entry_sequence_positive": ["UPDATE audit_entry SET sequence = 0"],
    "audit_entry_hash_length": ["UPDATE audit_entry SET hash = {short}"],
    "audit_entry_previous": ["UPDATE audit_entry SET previous_number = number"],
    "audit_field_commitment_length": ["UPDATE audit_field SET commitment = {short}"],
    "audit_head_hash_length": ["UPDATE audit_head SET hash = {short}"],
    "service_secret_length": ["UPDATE service_secret SET value = {short}"],
  ]

  private static let identity: [String: [String]] = [
    "user_account_language": ["UPDATE user_account SET language = 'xx'"],
    "sign_up_language": ["UPDATE sign_up SET language = 'xx'"],
    "sign_up_opens_account": ["UPDATE sign_up SET opens_account = 2"],
    "sign_up_state": [
      "UPDATE sign_up SET state = 'X', user_id = NULL, organization_id = NULL, order_id = NULL"
    ],
    "sign_up_code_generation": ["UPDATE sign_up SET code_generation = 0"],
    "sign_up_code_wrong_attempts": ["UPDATE sign_up SET code_wrong_attempts = -1"],
    "sign_up_made": [
      "UPDATE sign_up SET user_id = NULL", "UPDATE sign_up SET organization_id = NULL",
      "UPDATE sign_up SET order_id = NULL",
    ],
    "sign_up_password": ["UPDATE sign_up SET password_hash = 'x'"],
    "refresh_token_hash": ["UPDATE refresh_token SET token_hash = {short}"],
    "sign_in_failures_failures": ["UPDATE sign_in_failures SET failures = 0"],
    "signing_key_private_key": ["UPDATE signing_key SET private_key = {short}"],
  ]

  private static let organizations: [String: [String]] = [
    "organization_id_is_uuid": ["UPDATE organization SET id = 'x'"],
    "organization_name_length": ["UPDATE organization SET display_name = ''"],
    "organization_state_known": ["UPDATE organization SET state = 'X'"],
    "membership_user_is_uuid": ["UPDATE membership SET user_id = 'x'"],
    "membership_role_known": ["UPDATE membership SET role = 'X'"],
    "membership_billing_is_boolean": [
      "UPDATE membership SET role = 'MEMBER', has_billing_rights = 2"
    ],
    "membership_representative_is_boolean": ["UPDATE membership SET is_legal_representative = 2"],
    "membership_version_positive": ["UPDATE membership SET version = 0"],
    "membership_admin_has_billing_rights": ["UPDATE membership SET has_billing_rights = 0"],
    "membership_product_grant_is_uuid": ["UPDATE membership_product_grant SET product_id = 'x'"],
  ]

  private static let shop: [String: [String]] = [
    "shop_order_state": [
      "UPDATE shop_order SET state = 'X', paid_at_us = NULL, invoice_id = NULL"
    ],
    "shop_order_currency": ["UPDATE shop_order SET currency = 'USD'"],
    "shop_order_rounding": ["UPDATE shop_order SET rounds_to_five = 2"],
    "shop_order_total": ["UPDATE shop_order SET total_minor_units = -1, invoice_id = NULL"],
    "shop_order_paid": ["UPDATE shop_order SET paid_at_us = NULL"],
    "shop_order_invoiced": ["UPDATE shop_order SET invoice_id = NULL"],
    "order_line_position": [
      "UPDATE order_line SET position = -1", "UPDATE order_line SET position = 50",
    ],
    "order_line_months": [
      "UPDATE order_line SET months = 0", "UPDATE order_line SET months = 121",
    ],
    "order_line_net": ["UPDATE order_line SET net_minor_units = -1"],
    "order_line_tax": ["UPDATE order_line SET tax_minor_units = -1"],
    "order_line_rate": [
      "UPDATE order_line SET tax_rate_basis_points = -1",
      "UPDATE order_line SET tax_rate_basis_points = 10001",
    ],
    "order_line_grace": ["UPDATE order_line SET grace_days = -1"],
    "order_line_blocked": ["UPDATE order_line SET blocked_days = -1"],
    "order_line_free": ["UPDATE order_line SET is_free = 2"],
    "payment_attempt_state": ["UPDATE payment_attempt SET state = 'X'"],
    "payment_attempt_ended": ["UPDATE payment_attempt SET ended_at_us = NULL"],
    "product_grace": ["UPDATE product SET grace_days = -1"],
    "product_blocked": ["UPDATE product SET blocked_days = -1"],
    "product_free": ["UPDATE product SET is_free = 2"],
    "product_currency": ["UPDATE product SET currency = 'USD'"],
    "product_stage": ["UPDATE product SET stage = 'X'"],
    "product_elapsed": ["UPDATE product SET months_elapsed = -1"],
    "product_months": ["UPDATE product SET months = 0", "UPDATE product SET months = 121"],
    "product_dates": [
      "UPDATE product SET period_end = anchor", "UPDATE product SET grace_end = anchor",
      "UPDATE product SET blocked_end = period_end",
    ],
    "product_renewal_months": [
      "UPDATE product_renewal SET months = 0", "UPDATE product_renewal SET months = 121",
    ],
  ]

  private static let accounting: [String: [String]] = [
    "ledger_currency": ["UPDATE ledger SET currency = 'USD'"],
    "ledger_sequence": ["UPDATE ledger SET sequence = -1"],
    "ledger_hash": ["UPDATE ledger SET hash = {short}"],
    "prepaid_never_negative": [
      "UPDATE ledger SET deposits_minor = -1", "UPDATE ledger SET granted_minor = -1",
      "UPDATE ledger_entry SET deposits_minor = -1", "UPDATE ledger_entry SET granted_minor = -1",
    ],
    "ledger_posting_amount": ["UPDATE ledger_posting SET amount_minor = 0"],
    "ledger_entry_previous": ["UPDATE ledger_entry SET previous_number = number"],
    "ledger_entry_kind": ["UPDATE ledger_entry SET kind = 'X'"],
    "ledger_entry_hash": [
      "UPDATE ledger_entry SET hash = {short}", "UPDATE ledger_entry SET previous_hash = {short}",
    ],
    "top_up_amount": ["UPDATE top_up SET amount_minor = 0"],
    "top_up_currency": ["UPDATE top_up SET currency = 'USD'"],
    "top_up_method": ["UPDATE top_up SET method = 'X'"],
    "top_up_state": ["UPDATE top_up SET state = 'X', settled_at_us = NULL"],
    "top_up_settled": [
      "UPDATE top_up SET settled_at_us = NULL", "UPDATE top_up SET state = 'PENDING'",
    ],
    "provider_event_kind": ["UPDATE provider_event SET kind = 'X'"],
    "invoice_series_number": ["UPDATE invoice_series SET last_number = 0"],
    "invoice_state": ["UPDATE invoice SET state = 'X'"],
    "invoice_number": ["UPDATE invoice SET number = 0"],
    "invoice_sum": ["UPDATE invoice SET total_minor = 4", "UPDATE invoice SET tax_minor = 0"],
    "invoice_line_period": ["UPDATE invoice_line SET period_end = period_start"],
    "payment_state": ["UPDATE payment SET state = 'X', completed_at_us = NULL"],
    "payment_amount": ["UPDATE payment SET amount_minor = -1"],
    "payment_completed": [
      "UPDATE payment SET completed_at_us = NULL", "UPDATE payment SET state = 'PAID'",
    ],
    "renewal_payment_months": ["UPDATE renewal_payment SET months = 0"],
  ]
}

extension RefusedChanges {
  /// The triggers of a service's database, each with sequences of changes of which it refuses the
  /// last.
  static func byTrigger(of service: String, on dialect: Dialect) -> [String: [[String]]] {
    var triggers = auditLog
    if service == "accounting" {
      triggers = triggers.merging(ledger) { $0 + $1 }.merging(invoices) { $0 + $1 }
    }
    // SQLite knows no TRUNCATE.
    return triggers.filter { name, _ in dialect == .postgres || !name.hasSuffix("_is_not_emptied") }
  }

  /// An entry of the audit log behind the one that is there.
  private static func auditEntry(
    _ organization: String, _ sequence: Int, after previous: String = "1"
  ) -> String {
    """
    INSERT INTO audit_entry
      (number, previous_number, organization_id, sequence, id, at_us, actor, action, target, fields,
        hash)
    VALUES (2, \(previous), \(organization), \(sequence), 'x', 1, 'x', 'x', 'x', '[]', {zeros})
    """
  }

  /// The head of another organization's chain.
  private static func auditHead(_ last: String, _ sequence: Int, _ hash: String) -> String {
    """
    INSERT INTO audit_head (organization_id, last_entry, sequence, hash)
    VALUES ({other}, \(last), \(sequence), \(hash))
    """
  }

  private static let auditLog: [String: [[String]]] = [
    "audit_entry_is_next": [
      [auditEntry("{id}", 3)], [auditEntry("{other}", 2)], [auditEntry("{id}", 1)],
      [auditEntry("{id}", 2, after: "NULL")], [auditEntry("{other}", 1, after: "NULL")],
      [auditHead("NULL", 0, "{zeros}"), auditEntry("{other}", 1)],
    ],
    "audit_entry_is_final": [["UPDATE audit_entry SET actor = 'x'"]],
    "audit_entry_stays": [["DELETE FROM audit_entry"]],
    "audit_entry_is_not_emptied": [["TRUNCATE audit_entry CASCADE"]],
    "audit_field_is_in_time": [
      ["INSERT INTO audit_field (entry_number, position, name) VALUES (1, 9, 'x')"]
    ],
    "audit_field_is_only_erased": [
      ["UPDATE audit_field SET before_value = 'x'"],
      [
        """
        UPDATE audit_field SET before_value = NULL, after_value = NULL, salt = NULL, name = 'x'
        """
      ],
    ],
    "audit_field_stays": [["DELETE FROM audit_field"]],
    "audit_field_is_not_emptied": [["TRUNCATE audit_field"]],
    "audit_head_is_empty": [
      [auditHead("1", 0, "{zeros}")], [auditHead("NULL", 1, "{zeros}")],
      [auditHead("NULL", 0, "{ones}")],
    ],
    "audit_head_follows_entry": [
      ["UPDATE audit_head SET sequence = 2"], ["UPDATE audit_head SET sequence = 1"],
      ["UPDATE audit_head SET organization_id = {other}"], ["UPDATE audit_head SET hash = {ones}"],
      ["UPDATE audit_head SET last_entry = NULL"],
    ],
    "audit_head_stays": [["DELETE FROM audit_head"]],
    "audit_head_is_not_emptied": [["TRUNCATE audit_head"]],
  ]

  /// A posting of the ledger's second entry.
  private static func posting(_ line: Int, _ amount: Int, account: String = "x") -> String {
    """
    INSERT INTO ledger_posting (entry_number, line, account, amount_minor)
    VALUES (2, \(line), '\(account)', \(amount))
    """
  }

  /// The ledger's second entry, which leaves nothing on the prepaid account.
  private static func entry(
    after previous: String = "1", sequence: Int = 2, hash: String = "{zeros}"
  ) -> String {
    """
    INSERT INTO ledger_entry (number, ledger_number, previous_number, sequence, entry_id, kind,
      reference_id, description, posted_at_us, previous_hash, hash, deposits_minor, granted_minor)
    VALUES (2, 1, \(previous), \(sequence), 'x', 'TOP_UP', 'x', 'x', 1, \(hash), {ones}, 0, 0)
    """
  }

  /// Another organization's ledger.
  private static func newLedger(_ sequence: Int, _ hash: String, _ deposits: Int) -> String {
    """
    INSERT INTO ledger
      (number, organization_id, currency, sequence, hash, deposits_minor, granted_minor)
    VALUES (2, {other}, 'CHF', \(sequence), \(hash), \(deposits), 0)
    """
  }

  private static let ledger: [String: [[String]]] = [
    "ledger_entry_is_next": [
      [entry()], [posting(1, 5), entry()], [posting(1, 5), posting(2, -4), entry()],
      [posting(1, -5), posting(2, 5, account: "prepaid.deposits"), entry()],
      [posting(1, -5), posting(2, 5, account: "prepaid.granted"), entry()],
      [posting(1, 5), posting(2, -5), entry(hash: "{ones}")],
      [posting(1, 5), posting(2, -5), entry(sequence: 3)],
      [posting(1, 5), posting(2, -5), entry(after: "NULL")],
    ],
    "ledger_entry_is_final": [["UPDATE ledger_entry SET description = 'x'"]],
    "ledger_entry_stays": [["DELETE FROM ledger_entry"]],
    "ledger_entry_is_not_emptied": [["TRUNCATE ledger_entry"]],
    "ledger_posting_is_sealed": [
      [
        """
        INSERT INTO ledger_posting (entry_number, line, account, amount_minor)
        VALUES (1, 3, 'x', 5)
        """
      ]
    ],
    "ledger_posting_is_final": [["UPDATE ledger_posting SET account = 'x'"]],
    "ledger_posting_stays": [["DELETE FROM ledger_posting"]],
    "ledger_posting_is_not_emptied": [["TRUNCATE ledger_posting"]],
    "ledger_is_empty": [
      [newLedger(1, "{zeros}", 0)], [newLedger(0, "{ones}", 0)], [newLedger(0, "{zeros}", 5)],
    ],
    "ledger_follows_entry": [
      ["UPDATE ledger SET deposits_minor = 5"], ["UPDATE ledger SET sequence = 2"],
      ["UPDATE ledger SET organization_id = {other}"],
    ],
    "ledger_stays": [["DELETE FROM ledger"]],
    "ledger_is_not_emptied": [["TRUNCATE ledger"]],
    "ledger_balance_stays": [["DELETE FROM ledger_balance"]],
    "ledger_balance_is_not_emptied": [["TRUNCATE ledger_balance"]],
  ]

  private static let invoices: [String: [[String]]] = [
    "invoice_is_frozen": [["UPDATE invoice SET rounding_minor = 2, total_minor = 4"]],
    "invoice_stays": [["DELETE FROM invoice"]],
    "invoice_is_not_emptied": [["TRUNCATE invoice"]],
    "invoice_line_is_frozen": [["UPDATE invoice_line SET description = 'x'"]],
    "invoice_line_stays": [["DELETE FROM invoice_line"]],
    "invoice_line_is_not_emptied": [["TRUNCATE invoice_line"]],
  ]
}
