package import AccountingDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// The books: entries, their postings, balances and the statement (ACC-1).
///
/// Every function runs in the caller's transaction.
package enum LedgerStore {
  /// Posts an entry: seals it behind the chain's head, with the statement's line, and moves the
  /// balances. An entry that would overdraw the prepaid account fails on the CHECK
  /// `prepaid_never_negative`; see ``isOverdraft(_:)``.
  @discardableResult
  package static func post(
    _ journal: JournalEntry, id: LedgerEntryID, organizationID: OrganizationID, at now: Instant,
    digest: LedgerDigest, in transaction: any Transaction
  ) throws -> LedgerEntry {
    let currency = journal.currency
    let ledger =
      try Ledger.find(organizationID, currency, in: transaction)
      ?? Ledger.open(organizationID, currency, in: transaction)
    let entry = LedgerEntry(
      posting: journal, id: id, organizationID: organizationID, at: now, after: ledger.head,
      digest: digest)
    let number = ledger.nextEntry
    try insert(entry.postings, of: number, in: transaction)
    let balance = try ledger.balance.following(journal)
    // A trigger moves the ledger's row on.
    let insertion: SQL =
      """
      INSERT INTO ledger_entry
        (number, ledger_number, previous_number, sequence, entry_id, kind, reference_id,
          description, posted_at_us, previous_hash, hash, change_minor, deposits_minor,
          granted_minor)
      VALUES (\(number), \(ledger.number), \(ledger.lastEntry), \(entry.sequence), \(entry.id),
        \(entry.kind), \(entry.referenceID), \(entry.description), \(now), \(entry.previousHash),
        \(entry.hash), \(try journal.prepaidChange()?.minorUnits),
        \(balance.deposited.minorUnits), \(balance.granted.minorUnits))
      """
    if balance.deposited.isNegative || balance.granted.isNegative {
      // Callers look at the refusal of an overdraft, and at no other.
      try transaction.execute(insertion)
    } else {
      try transaction.enqueue(insertion)
    }
    try moveBalances(of: ledger, journal, in: transaction)
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
    let row = try transaction.first(
      """
      SELECT deposits_minor, granted_minor FROM ledger
      WHERE organization_id = \(organizationID) AND currency = \(currency)
      """)
    return try row?.prepaidBalance(currency) ?? .zero(currency)
  }

  /// The statement, newest first: at most `limit` lines.
  ///
  /// - Parameter position: that of the line behind which the page begins; nil for the newest lines.
  ///   None follow one that is not of this statement.
  package static func movements(
    _ organizationID: OrganizationID, _ currency: Currency, after position: Int64?, limit: Int,
    in transaction: any Transaction
  ) throws -> [PrepaidMovement] {
    let first: SQL =
      position.map {
        """
        SELECT e.previous_number FROM ledger_entry e JOIN ledger l ON l.number = e.ledger_number
        WHERE e.number = \($0) AND l.organization_id = \(organizationID)
          AND l.currency = \(currency)
        """
      } ?? """
        SELECT last_entry FROM ledger
        WHERE organization_id = \(organizationID) AND currency = \(currency)
        """
    return try transaction.rows(
      """
      WITH RECURSIVE line AS (
        SELECT \(entryColumns) FROM ledger_entry e WHERE e.number = (\(first))
        UNION ALL
        SELECT \(entryColumns) FROM line JOIN ledger_entry e ON e.number = line.previous_number)
      SELECT * FROM line WHERE change_minor IS NOT NULL LIMIT \(limit)
      """
    ).map { row in
      PrepaidMovement(
        position: try row.int64("number"), sequence: try row.int64("sequence"),
        entryID: try row.read("entry_id"), postedAt: try row.instant("posted_at_us"),
        kind: try row.read("kind"),
        amount: Money(minorUnits: try row.int64("change_minor"), currency: currency),
        balance: try row.prepaidBalance(currency).total(),
        reference: try row.read("reference_id"), description: try row.text("description"))
    }
  }

  private static let entryColumns: SQL =
    """
    e.number, e.previous_number, e.sequence, e.entry_id, e.kind, e.reference_id, e.description,
    e.posted_at_us, e.change_minor, e.deposits_minor, e.granted_minor
    """

  private static func insert(
    _ postings: [RecordedPosting], of entryNumber: Int64, in transaction: any Transaction
  ) throws(SQLError) {
    // One by one: where a table has triggers, SQLite gathers several rows in a table of their own.
    for (line, posting) in postings.enumerated() {
      try transaction.enqueue(
        """
        INSERT INTO ledger_posting (entry_number, line, account, amount_minor)
        VALUES (\(entryNumber), \(line), \(posting.accountCode), \(posting.minorUnits))
        """)
    }
  }

  /// Adds an entry's postings to the balances beside the prepaid ones.
  private static func moveBalances(
    of ledger: Ledger, _ journal: JournalEntry, in transaction: any Transaction
  ) throws(SQLError) {
    for posting in journal.postings where !posting.account.isPrepaid {
      try transaction.enqueue(
        """
        INSERT INTO ledger_balance (ledger_number, account, amount_minor)
        VALUES (\(ledger.number), \(posting.account.code), \(posting.minorUnits))
        ON CONFLICT (ledger_number, account)
        DO UPDATE SET amount_minor = ledger_balance.amount_minor + excluded.amount_minor
        """)
    }
  }
}

/// The books of one organization in one currency, as an entry is about to be posted.
private struct Ledger {
  let number: Int64
  let head: LedgerHead
  /// The number of the chain's last entry.
  let lastEntry: Int64?
  let balance: PrepaidBalance
  /// The number that the next entry gets.
  let nextEntry: Int64

  static func find(
    _ organizationID: OrganizationID, _ currency: Currency, in transaction: any Transaction
  ) throws -> Ledger? {
    // Several servers take numbers at once, which a sequence tells apart.
    let next: SQL =
      switch transaction.dialect {
      case .sqlite: "(SELECT COALESCE(MAX(number), 0) + 1 FROM ledger_entry)"
      case .postgres: "nextval('ledger_entry_number')"
      }
    let row = try transaction.first(
      """
      SELECT number, sequence, hash, last_entry, deposits_minor, granted_minor,
        \(next) AS next_entry
      FROM ledger WHERE organization_id = \(organizationID) AND currency = \(currency)
      """)
    guard let row else { return nil }
    return Ledger(
      number: try row.int64("number"),
      head: LedgerHead(sequence: try row.int64("sequence"), hash: try row.blob("hash")),
      lastEntry: try row.optionalInt64("last_entry"), balance: try row.prepaidBalance(currency),
      nextEntry: try row.int64("next_entry"))
  }

  /// Makes the books, without an entry.
  static func open(
    _ organizationID: OrganizationID, _ currency: Currency, in transaction: any Transaction
  ) throws -> Ledger {
    try transaction.execute(
      """
      INSERT INTO ledger (organization_id, currency, last_entry, sequence, hash, deposits_minor,
        granted_minor)
      VALUES (\(organizationID), \(currency), NULL, 0, \(LedgerHead.empty.hash), 0, 0)
      """)
    guard let ledger = try find(organizationID, currency, in: transaction) else {
      throw SQLError(.other, "the ledger was not made")
    }
    return ledger
  }
}

extension Row {
  /// The parts of the prepaid balance.
  fileprivate func prepaidBalance(_ currency: Currency) throws(SQLError) -> PrepaidBalance {
    PrepaidBalance(
      deposited: Money(minorUnits: try int64("deposits_minor"), currency: currency),
      granted: Money(minorUnits: try int64("granted_minor"), currency: currency))
  }
}
