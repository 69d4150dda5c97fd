internal import SQLCore

/// What three triggers did in turn for each entry one does: it moves the ledger's row on and refuses
/// an entry that moves none, because it is not the next of its chain, its postings do not sum to zero,
/// or its prepaid balances do not follow from them (ACC-1). Each trigger costs SQLite as much as a
/// small statement.
enum JoinLedgerTriggers {
  static let migration = Migration(
    number: 106, name: "join_ledger_triggers",
    sqlite: """
      DROP TRIGGER ledger_entry_is_chained;
      DROP TRIGGER ledger_entry_is_balanced;
      DROP TRIGGER ledger_entry_moves_head;
      CREATE TRIGGER ledger_entry_is_next AFTER INSERT ON ledger_entry
      BEGIN
        \(move(with: "IS"))
        SELECT RAISE(ROLLBACK, 'ledger_entry_is_next') WHERE changes() = 0;
      END;
      """,
    postgres: """
      DROP TRIGGER ledger_entry_is_chained ON ledger_entry;
      DROP TRIGGER ledger_entry_is_balanced ON ledger_entry;
      DROP TRIGGER ledger_entry_moves_head ON ledger_entry;
      DROP FUNCTION refuse_unchained_entry;
      DROP FUNCTION refuse_unbalanced_entry;
      CREATE OR REPLACE FUNCTION move_ledger_head() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          \(move(with: "IS NOT DISTINCT FROM"))
          IF NOT FOUND THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
          RETURN NULL;
        END $$;
      CREATE TRIGGER ledger_entry_is_next AFTER INSERT ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION move_ledger_head();
      """)

  /// Moves the row on that the new entry follows from.
  ///
  /// - Parameter same: the dialect's comparison that takes NULL for a value.
  private static func move(with same: String) -> String {
    """
    UPDATE ledger SET last_entry = NEW.number, sequence = NEW.sequence, hash = NEW.hash,
      deposits_minor = NEW.deposits_minor, granted_minor = NEW.granted_minor
    WHERE number = NEW.ledger_number AND sequence = NEW.sequence - 1
      AND hash = NEW.previous_hash AND last_entry \(same) NEW.previous_number
      AND (
        SELECT COUNT(*) >= 2 AND SUM(p.amount_minor) = 0
          AND SUM(CASE p.account WHEN 'prepaid.deposits' THEN p.amount_minor ELSE 0 END)
            = ledger.deposits_minor - NEW.deposits_minor
          AND SUM(CASE p.account WHEN 'prepaid.granted' THEN p.amount_minor ELSE 0 END)
            = ledger.granted_minor - NEW.granted_minor
        FROM ledger_posting p WHERE p.entry_number = NEW.number);
    """
  }
}
