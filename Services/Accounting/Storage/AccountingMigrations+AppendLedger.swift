internal import SQLCore

/// The ledger as it is written cheapest: entries and postings are appended in the order in which they
/// are made, whichever organization they belong to, and a row for each organization and currency
/// (`ledger`) holds the end of its chain and what its prepaid account holds. An entry names the one
/// before it by its number. Nothing but that row and small balances lies at a place of the
/// organization's own.
///
/// The database itself keeps the books: postings come before their entry, which seals them; an entry
/// is taken only as the next of its chain, when its postings sum to zero and its prepaid balances
/// follow from them; it moves the ledger's row on, which nothing else changes (ACC-1).
///
/// SQLite would keep copies of the pages of a statement that a trigger may ABORT, and makes a table of
/// its own of a list of three values: hence ROLLBACK, which sound programs never meet, and OR.
enum AppendLedger {
  static let migration = Migration(
    number: 105, name: "append_ledger", sqlite: sqlite, postgres: postgres)

  private static let sqlite = """
    ALTER TABLE ledger_entry RENAME TO former_entry;
    ALTER TABLE ledger_posting RENAME TO former_posting;
    ALTER TABLE ledger_balance RENAME TO former_balance;
    DROP INDEX ledger_entry_reference;

    CREATE TABLE ledger (
      number INTEGER NOT NULL PRIMARY KEY,
      organization_id TEXT NOT NULL,
      currency TEXT NOT NULL,
      last_entry INTEGER,
      sequence INTEGER NOT NULL,
      hash BLOB NOT NULL,
      deposits_minor INTEGER NOT NULL,
      granted_minor INTEGER NOT NULL,
      UNIQUE (organization_id, currency),
      CONSTRAINT ledger_currency CHECK (currency IN ('CHF', 'EUR')),
      CONSTRAINT ledger_sequence CHECK (sequence >= 0),
      CONSTRAINT ledger_hash CHECK (length(hash) = 32),
      CONSTRAINT prepaid_never_negative CHECK (deposits_minor >= 0 AND granted_minor >= 0)
    ) STRICT;

    CREATE TABLE ledger_posting (
      entry_number INTEGER NOT NULL,
      line INTEGER NOT NULL,
      account TEXT NOT NULL,
      amount_minor INTEGER NOT NULL,
      PRIMARY KEY (entry_number, line),
      CONSTRAINT ledger_posting_amount CHECK (amount_minor <> 0)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE ledger_entry (
      number INTEGER NOT NULL PRIMARY KEY,
      ledger_number INTEGER NOT NULL REFERENCES ledger (number),
      previous_number INTEGER,
      sequence INTEGER NOT NULL,
      entry_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      reference_id TEXT NOT NULL,
      description TEXT NOT NULL,
      posted_at_us INTEGER NOT NULL,
      previous_hash BLOB NOT NULL,
      hash BLOB NOT NULL,
      change_minor INTEGER,
      deposits_minor INTEGER NOT NULL,
      granted_minor INTEGER NOT NULL,
      CONSTRAINT ledger_entry_previous CHECK (previous_number < number),
      CONSTRAINT ledger_entry_kind CHECK (
        kind = 'TOP_UP' OR kind = 'ORDER_PAYMENT' OR kind = 'DUE_PAYMENT'),
      CONSTRAINT ledger_entry_hash CHECK (length(hash) = 32 AND length(previous_hash) = 32),
      CONSTRAINT prepaid_never_negative CHECK (deposits_minor >= 0 AND granted_minor >= 0)
    ) STRICT;

    CREATE TABLE ledger_balance (
      ledger_number INTEGER NOT NULL REFERENCES ledger (number),
      account TEXT NOT NULL,
      amount_minor INTEGER NOT NULL,
      PRIMARY KEY (ledger_number, account)
    ) STRICT, WITHOUT ROWID;

    \(copy(emptyHash: "zeroblob(32)"))

    DROP TABLE former_entry;
    DROP TABLE former_posting;
    DROP TABLE former_balance;
    DROP TABLE prepaid_movement;
    DROP TABLE ledger_head;

    CREATE UNIQUE INDEX ledger_entry_reference ON ledger_entry (reference_id, kind);

    CREATE TRIGGER ledger_posting_is_sealed BEFORE INSERT ON ledger_posting
    WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE number = NEW.entry_number)
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_posting_is_sealed'); END;
    CREATE TRIGGER ledger_posting_is_final BEFORE UPDATE ON ledger_posting
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_posting_is_final'); END;
    CREATE TRIGGER ledger_posting_stays BEFORE DELETE ON ledger_posting
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_posting_stays'); END;

    CREATE TRIGGER ledger_entry_is_chained BEFORE INSERT ON ledger_entry
    WHEN NOT EXISTS (
      SELECT 1 FROM ledger l
      WHERE l.number = NEW.ledger_number AND l.sequence = NEW.sequence - 1
        AND l.hash = NEW.previous_hash AND l.last_entry IS NEW.previous_number)
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_entry_is_chained'); END;
    CREATE TRIGGER ledger_entry_is_balanced BEFORE INSERT ON ledger_entry
    WHEN (
      SELECT COUNT(*) < 2 OR SUM(amount_minor) <> 0
        OR SUM(CASE account WHEN 'prepaid.deposits' THEN amount_minor ELSE 0 END) <> (
          SELECT deposits_minor FROM ledger WHERE number = NEW.ledger_number) - NEW.deposits_minor
        OR SUM(CASE account WHEN 'prepaid.granted' THEN amount_minor ELSE 0 END) <> (
          SELECT granted_minor FROM ledger WHERE number = NEW.ledger_number) - NEW.granted_minor
      FROM ledger_posting WHERE entry_number = NEW.number)
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_entry_is_balanced'); END;
    CREATE TRIGGER ledger_entry_moves_head AFTER INSERT ON ledger_entry
    BEGIN
      UPDATE ledger SET last_entry = NEW.number, sequence = NEW.sequence, hash = NEW.hash,
        deposits_minor = NEW.deposits_minor, granted_minor = NEW.granted_minor
      WHERE number = NEW.ledger_number;
    END;
    CREATE TRIGGER ledger_entry_is_final BEFORE UPDATE ON ledger_entry
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_entry_is_final'); END;
    CREATE TRIGGER ledger_entry_stays BEFORE DELETE ON ledger_entry
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_entry_stays'); END;

    CREATE TRIGGER ledger_is_empty BEFORE INSERT ON ledger
    WHEN NOT (
      NEW.last_entry IS NULL AND NEW.sequence = 0 AND NEW.hash = zeroblob(32)
      AND NEW.deposits_minor = 0 AND NEW.granted_minor = 0)
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_is_empty'); END;
    CREATE TRIGGER ledger_follows_entry BEFORE UPDATE ON ledger
    WHEN NEW.number <> OLD.number OR NEW.organization_id <> OLD.organization_id
      OR NEW.currency <> OLD.currency OR NEW.sequence <> OLD.sequence + 1
      OR NOT EXISTS (
        SELECT 1 FROM ledger_entry
        WHERE number = NEW.last_entry AND ledger_number = NEW.number AND sequence = NEW.sequence
          AND hash = NEW.hash AND deposits_minor = NEW.deposits_minor
          AND granted_minor = NEW.granted_minor)
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_follows_entry'); END;
    CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_stays'); END;
    CREATE TRIGGER ledger_balance_stays BEFORE DELETE ON ledger_balance
    BEGIN SELECT RAISE(ROLLBACK, 'ledger_balance_stays'); END;
    """

  /// PostgreSQL numbers entries by a sequence: it has gaps, and a chain's numbers grow all the same,
  /// because a ledger's row is moved on by one transaction after the other.
  private static let postgres = """
    ALTER TABLE ledger_entry RENAME TO former_entry;
    ALTER TABLE ledger_posting RENAME TO former_posting;
    ALTER TABLE ledger_balance RENAME TO former_balance;
    ALTER INDEX ledger_entry_pkey RENAME TO former_entry_pkey;
    ALTER INDEX ledger_posting_pkey RENAME TO former_posting_pkey;
    ALTER INDEX ledger_balance_pkey RENAME TO former_balance_pkey;
    DROP INDEX ledger_entry_reference;

    CREATE TABLE ledger (
      number bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
      organization_id text NOT NULL,
      currency text NOT NULL,
      last_entry bigint,
      sequence bigint NOT NULL,
      hash bytea NOT NULL,
      deposits_minor bigint NOT NULL,
      granted_minor bigint NOT NULL,
      UNIQUE (organization_id, currency),
      CONSTRAINT ledger_currency CHECK (currency IN ('CHF', 'EUR')),
      CONSTRAINT ledger_sequence CHECK (sequence >= 0),
      CONSTRAINT ledger_hash CHECK (length(hash) = 32),
      CONSTRAINT prepaid_never_negative CHECK (deposits_minor >= 0 AND granted_minor >= 0)
    );

    CREATE TABLE ledger_posting (
      entry_number bigint NOT NULL,
      line bigint NOT NULL,
      account text NOT NULL,
      amount_minor bigint NOT NULL,
      PRIMARY KEY (entry_number, line),
      CONSTRAINT ledger_posting_amount CHECK (amount_minor <> 0)
    );

    CREATE SEQUENCE ledger_entry_number;
    CREATE TABLE ledger_entry (
      number bigint NOT NULL PRIMARY KEY,
      ledger_number bigint NOT NULL,
      previous_number bigint,
      sequence bigint NOT NULL,
      entry_id text NOT NULL,
      kind text NOT NULL,
      reference_id text NOT NULL,
      description text NOT NULL,
      posted_at_us bigint NOT NULL,
      previous_hash bytea NOT NULL,
      hash bytea NOT NULL,
      change_minor bigint,
      deposits_minor bigint NOT NULL,
      granted_minor bigint NOT NULL,
      CONSTRAINT ledger_entry_previous CHECK (previous_number < number),
      CONSTRAINT ledger_entry_kind CHECK (kind IN ('TOP_UP', 'ORDER_PAYMENT', 'DUE_PAYMENT')),
      CONSTRAINT ledger_entry_hash CHECK (length(hash) = 32 AND length(previous_hash) = 32),
      CONSTRAINT prepaid_never_negative CHECK (deposits_minor >= 0 AND granted_minor >= 0)
    );

    CREATE TABLE ledger_balance (
      ledger_number bigint NOT NULL,
      account text NOT NULL,
      amount_minor bigint NOT NULL,
      PRIMARY KEY (ledger_number, account)
    );

    \(copy(emptyHash: "decode(repeat('00', 32), 'hex')"))
    SELECT setval('ledger_entry_number', (SELECT COALESCE(MAX(number), 0) + 1 FROM ledger_entry));
    SELECT setval(
      pg_get_serial_sequence('ledger', 'number'), (SELECT COALESCE(MAX(number), 0) + 1 FROM ledger));

    DROP TABLE former_entry;
    DROP TABLE former_posting;
    DROP TABLE former_balance;
    DROP TABLE prepaid_movement;
    DROP TABLE ledger_head;
    DROP FUNCTION refuse_unbalanced_entry;
    DROP FUNCTION refuse_late_posting;
    DROP FUNCTION refuse_unchained_entry;

    CREATE UNIQUE INDEX ledger_entry_reference ON ledger_entry (reference_id, kind);

    CREATE FUNCTION refuse_late_posting() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT 1 FROM ledger_entry WHERE number = NEW.entry_number)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;
    CREATE FUNCTION refuse_unchained_entry() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT EXISTS (
          SELECT 1 FROM ledger l
          WHERE l.number = NEW.ledger_number AND l.sequence = NEW.sequence - 1
            AND l.hash = NEW.previous_hash
            AND l.last_entry IS NOT DISTINCT FROM NEW.previous_number)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;
    CREATE FUNCTION refuse_unbalanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF (
          SELECT COUNT(*) < 2 OR SUM(amount_minor) <> 0
            OR SUM(CASE account WHEN 'prepaid.deposits' THEN amount_minor ELSE 0 END) <> (
              SELECT deposits_minor FROM ledger WHERE number = NEW.ledger_number)
              - NEW.deposits_minor
            OR SUM(CASE account WHEN 'prepaid.granted' THEN amount_minor ELSE 0 END) <> (
              SELECT granted_minor FROM ledger WHERE number = NEW.ledger_number)
              - NEW.granted_minor
          FROM ledger_posting WHERE entry_number = NEW.number)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;
    CREATE FUNCTION move_ledger_head() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE ledger SET last_entry = NEW.number, sequence = NEW.sequence, hash = NEW.hash,
          deposits_minor = NEW.deposits_minor, granted_minor = NEW.granted_minor
        WHERE number = NEW.ledger_number;
        RETURN NULL;
      END $$;
    CREATE FUNCTION refuse_ledger_without_entry() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.number <> OLD.number OR NEW.organization_id <> OLD.organization_id
          OR NEW.currency <> OLD.currency OR NEW.sequence <> OLD.sequence + 1
          OR NOT EXISTS (
            SELECT 1 FROM ledger_entry
            WHERE number = NEW.last_entry AND ledger_number = NEW.number
              AND sequence = NEW.sequence AND hash = NEW.hash
              AND deposits_minor = NEW.deposits_minor AND granted_minor = NEW.granted_minor)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;

    CREATE TRIGGER ledger_posting_is_sealed BEFORE INSERT ON ledger_posting
      FOR EACH ROW EXECUTE FUNCTION refuse_late_posting();
    CREATE TRIGGER ledger_posting_is_final BEFORE UPDATE ON ledger_posting
      FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_posting_stays BEFORE DELETE ON ledger_posting
      FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_posting_is_not_emptied BEFORE TRUNCATE ON ledger_posting
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    CREATE TRIGGER ledger_entry_is_balanced BEFORE INSERT ON ledger_entry
      FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_entry();
    CREATE TRIGGER ledger_entry_is_chained BEFORE INSERT ON ledger_entry
      FOR EACH ROW EXECUTE FUNCTION refuse_unchained_entry();
    CREATE TRIGGER ledger_entry_moves_head AFTER INSERT ON ledger_entry
      FOR EACH ROW EXECUTE FUNCTION move_ledger_head();
    CREATE TRIGGER ledger_entry_is_final BEFORE UPDATE ON ledger_entry
      FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_entry_stays BEFORE DELETE ON ledger_entry
      FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_entry_is_not_emptied BEFORE TRUNCATE ON ledger_entry
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    CREATE TRIGGER ledger_is_empty BEFORE INSERT ON ledger
      FOR EACH ROW WHEN (NOT (
        NEW.last_entry IS NULL AND NEW.sequence = 0
        AND NEW.hash = decode(repeat('00', 32), 'hex')
        AND NEW.deposits_minor = 0 AND NEW.granted_minor = 0))
      EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_follows_entry BEFORE UPDATE ON ledger
      FOR EACH ROW EXECUTE FUNCTION refuse_ledger_without_entry();
    CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger
      FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_is_not_emptied BEFORE TRUNCATE ON ledger
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_balance_stays BEFORE DELETE ON ledger_balance
      FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER ledger_balance_is_not_emptied BEFORE TRUNCATE ON ledger_balance
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    """

  /// Moves the rows: hashes, numbers within a chain and the statement's lines stay as they are, in
  /// both dialects. What does not fit together, because somebody changed it, is moved as it is and is
  /// found by a check.
  private static func copy(emptyHash: String) -> String {
    """
    INSERT INTO ledger (number, organization_id, currency, last_entry, sequence, hash,
      deposits_minor, granted_minor)
    WITH entry AS (
      SELECT organization_id, currency, sequence,
        row_number() OVER (ORDER BY organization_id, currency, sequence) AS number
      FROM former_entry)
    SELECT row_number() OVER (ORDER BY b.organization_id, b.currency), b.organization_id,
      b.currency, e.number, COALESCE(h.sequence, 0), COALESCE(h.hash, \(emptyHash)),
      -COALESCE(d.amount_minor, 0), -COALESCE(g.amount_minor, 0)
    FROM (
      SELECT organization_id, currency FROM ledger_head
      UNION SELECT organization_id, currency FROM former_entry
      UNION SELECT organization_id, currency FROM former_balance) b
    LEFT JOIN ledger_head h ON h.organization_id = b.organization_id AND h.currency = b.currency
    LEFT JOIN entry e ON e.organization_id = h.organization_id AND e.currency = h.currency
      AND e.sequence = h.sequence
    LEFT JOIN former_balance d ON d.organization_id = b.organization_id
      AND d.currency = b.currency AND d.account = 'prepaid.deposits'
    LEFT JOIN former_balance g ON g.organization_id = b.organization_id
      AND g.currency = b.currency AND g.account = 'prepaid.granted';

    INSERT INTO ledger_entry (number, ledger_number, previous_number, sequence, entry_id, kind,
      reference_id, description, posted_at_us, previous_hash, hash, change_minor, deposits_minor,
      granted_minor)
    WITH prepaid AS (
      SELECT organization_id, currency, sequence,
        SUM(CASE account WHEN 'prepaid.deposits' THEN amount_minor ELSE 0 END) AS deposits,
        SUM(CASE account WHEN 'prepaid.granted' THEN amount_minor ELSE 0 END) AS granted
      FROM former_posting GROUP BY organization_id, currency, sequence),
    entry AS (
      SELECT e.*,
        row_number() OVER (ORDER BY e.organization_id, e.currency, e.sequence) AS number,
        SUM(COALESCE(p.deposits, 0)) OVER chain AS deposits,
        SUM(COALESCE(p.granted, 0)) OVER chain AS granted
      FROM former_entry e
      LEFT JOIN prepaid p ON p.organization_id = e.organization_id AND p.currency = e.currency
        AND p.sequence = e.sequence
      WINDOW chain AS (
        PARTITION BY e.organization_id, e.currency ORDER BY e.sequence))
    SELECT e.number, l.number, lag(e.number) OVER (PARTITION BY l.number ORDER BY e.sequence),
      e.sequence, e.entry_id, e.kind, e.reference_id, e.description, e.posted_at_us,
      e.previous_hash, e.hash, m.amount_minor, CAST(-e.deposits AS bigint),
      CAST(-e.granted AS bigint)
    FROM entry e
    JOIN ledger l ON l.organization_id = e.organization_id AND l.currency = e.currency
    LEFT JOIN prepaid_movement m ON m.organization_id = e.organization_id
      AND m.currency = e.currency AND m.sequence = e.sequence
    ORDER BY e.number;

    INSERT INTO ledger_posting (entry_number, line, account, amount_minor)
    WITH entry AS (
      SELECT organization_id, currency, sequence,
        row_number() OVER (ORDER BY organization_id, currency, sequence) AS number
      FROM former_entry)
    SELECT e.number, p.line, p.account, p.amount_minor
    FROM former_posting p
    JOIN entry e ON e.organization_id = p.organization_id AND e.currency = p.currency
      AND e.sequence = p.sequence
    ORDER BY e.number, p.line;

    INSERT INTO ledger_balance (ledger_number, account, amount_minor)
    SELECT l.number, b.account, b.amount_minor
    FROM former_balance b
    JOIN ledger l ON l.organization_id = b.organization_id AND l.currency = b.currency
    WHERE b.account NOT IN ('prepaid.deposits', 'prepaid.granted');
    """
  }
}
