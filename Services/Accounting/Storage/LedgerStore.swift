package import AccountingDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// The books: entries, their postings, balances and the statement (ACC-1).
///
/// Every function runs in the caller's transaction.
package enum LedgerStore {
  /// Posts an entry: seals it behind the chain's head, moves the balances and adds the statement's
  /// line. An entry that would overdraw the prepaid account fails on the CHECK
  /// `prepaid_never_negative`; see ``isOverdraft(_:)``.
  @discardableResult
  package static func post(
    _ journal: JournalEntry, id: LedgerEntryID, organizationID: OrganizationID, at now: Instant,
    digest: LedgerDigest, in transaction: any Transaction
  ) throws -> LedgerEntry {
    let currency = journal.currency
    let entry = LedgerEntry(
      posting: journal, id: id, organizationID: organizationID, at: now,
      after: try head(organizationID, currency, in: transaction), digest: digest)
    for (line, posting) in journal.postings.enumerated() {
      try transaction.execute(
        """
        INSERT INTO ledger_posting
          (organization_id, currency, sequence, line, account, amount_minor)
        VALUES (\(organizationID), \(currency), \(entry.sequence), \(line),
          \(posting.account.code), \(posting.minorUnits))
        """)
    }
    try transaction.execute(
      """
      INSERT INTO ledger_entry
        (organization_id, currency, sequence, entry_id, kind, reference_id, description,
          posted_at_us, previous_hash, hash)
      VALUES (\(organizationID), \(currency), \(entry.sequence), \(id), \(journal.kind),
        \(journal.reference), \(journal.description), \(now), \(entry.previousHash),
        \(entry.hash))
      """)
    try moveHead(organizationID, currency, to: entry, in: transaction)
    for posting in journal.postings {
      try moveBalance(organizationID, currency, posting, in: transaction)
    }
    if let change = try journal.prepaidChange() {
      let balance = try balance(organizationID, currency, in: transaction).total()
      try transaction.execute(
        """
        INSERT INTO prepaid_movement
          (organization_id, currency, sequence, amount_minor, balance_minor)
        VALUES (\(organizationID), \(currency), \(entry.sequence), \(change.minorUnits),
          \(balance.minorUnits))
        """)
    }
    return entry
  }

  /// Whether storage refused an entry because it would have overdrawn the prepaid account (ACC-1).
  package static func isOverdraft(_ error: any Error) -> Bool {
    (error as? SQLError)?.violatesCheck("prepaid_never_negative") ?? false
  }

  /// The prepaid balance.
  package static func balance(
    _ organizationID: OrganizationID, _ currency: Currency, in transaction: any Transaction
  ) throws -> PrepaidBalance {
    func held(_ account: LedgerAccount) throws -> Money {
      let row = try transaction.first(
        """
        SELECT amount_minor FROM ledger_balance
        WHERE organization_id = \(organizationID) AND currency = \(currency)
          AND account = \(account.code)
        """)
      let debit = Money(minorUnits: try row?.int64("amount_minor") ?? 0, currency: currency)
      return try debit.negated()
    }
    return PrepaidBalance(
      deposited: try held(.prepaidDeposits), granted: try held(.grantedCredit))
  }

  /// The statement, newest first: at most `limit` lines before the given entry number.
  package static func movements(
    _ organizationID: OrganizationID, _ currency: Currency, before sequence: Int64?, limit: Int,
    in transaction: any Transaction
  ) throws -> [PrepaidMovement] {
    try transaction.rows(
      """
      SELECT m.sequence, m.amount_minor, m.balance_minor, e.entry_id, e.kind, e.reference_id,
        e.description, e.posted_at_us
      FROM prepaid_movement m JOIN ledger_entry e
        ON e.organization_id = m.organization_id AND e.currency = m.currency
          AND e.sequence = m.sequence
      WHERE m.organization_id = \(organizationID) AND m.currency = \(currency)
        AND m.sequence < \(sequence ?? .max)
      ORDER BY m.sequence DESC LIMIT \(limit)
      """
    ).map { row in
      PrepaidMovement(
        sequence: try row.int64("sequence"), entryID: try row.read("entry_id"),
        postedAt: try row.instant("posted_at_us"), kind: try row.read("kind"),
        amount: Money(minorUnits: try row.int64("amount_minor"), currency: currency),
        balance: Money(minorUnits: try row.int64("balance_minor"), currency: currency),
        reference: try row.read("reference_id"), description: try row.text("description"))
    }
  }

  static func head(
    _ organizationID: OrganizationID, _ currency: Currency, in transaction: any Transaction
  ) throws -> LedgerHead {
    let row = try transaction.first(
      """
      SELECT sequence, hash FROM ledger_head
      WHERE organization_id = \(organizationID) AND currency = \(currency)
      """)
    guard let row else { return .empty }
    return LedgerHead(sequence: try row.int64("sequence"), hash: try row.blob("hash"))
  }

  private static func moveHead(
    _ organizationID: OrganizationID, _ currency: Currency, to entry: LedgerEntry,
    in transaction: any Transaction
  ) throws {
    try transaction.execute(
      """
      INSERT INTO ledger_head (organization_id, currency, sequence, hash)
      VALUES (\(organizationID), \(currency), \(entry.sequence), \(entry.hash))
      ON CONFLICT (organization_id, currency)
      DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
      """)
  }

  /// An update first: the CHECK would look at the row that an upsert proposes, not at the sum.
  private static func moveBalance(
    _ organizationID: OrganizationID, _ currency: Currency, _ posting: Posting,
    in transaction: any Transaction
  ) throws {
    let changed = try transaction.execute(
      """
      UPDATE ledger_balance SET amount_minor = amount_minor + \(posting.minorUnits)
      WHERE organization_id = \(organizationID) AND currency = \(currency)
        AND account = \(posting.account.code)
      """)
    guard changed == 0 else { return }
    try transaction.execute(
      """
      INSERT INTO ledger_balance (organization_id, currency, account, amount_minor)
      VALUES (\(organizationID), \(currency), \(posting.account.code), \(posting.minorUnits))
      """)
  }
}
