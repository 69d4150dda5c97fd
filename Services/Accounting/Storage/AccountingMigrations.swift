package import SQLCore

/// The schema of accounting's own tables; the shared ones are `ServiceStorage`'s.
package enum AccountingMigrations {
  /// From number 100, in order.
  package static let all: [Migration] = [
    Migration(number: 100, name: "create_ledger", sqlite: ledger, postgres: Postgres.ledger),
    Migration(number: 101, name: "create_top_up", sqlite: topUp, postgres: Postgres.topUp),
    Migration(number: 102, name: "create_invoice", sqlite: invoice, postgres: Postgres.invoice),
    Migration(number: 103, name: "create_payment", sqlite: payment, postgres: Postgres.payment),
    Migration(
      number: 104, name: "chain_ledger", sqlite: ledgerChain, postgres: Postgres.ledgerChain),
    AppendLedger.migration, JoinLedgerTriggers.migration,
  ]

  /// Postings are written before their entry, and the entry seals them: a trigger refuses an entry
  /// whose postings do not sum to zero, and a posting for an entry that is there already. Nothing
  /// is ever changed or deleted (ACC-1).
  private static let ledger = """
    CREATE TABLE ledger_head (
      organization_id TEXT NOT NULL,
      currency TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      hash BLOB NOT NULL,
      PRIMARY KEY (organization_id, currency),
      CONSTRAINT ledger_head_currency CHECK (currency IN ('CHF', 'EUR')),
      CONSTRAINT ledger_head_sequence CHECK (sequence > 0),
      CONSTRAINT ledger_head_hash CHECK (length(hash) = 32)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE ledger_posting (
      organization_id TEXT NOT NULL,
      currency TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      line INTEGER NOT NULL,
      account TEXT NOT NULL,
      amount_minor INTEGER NOT NULL,
      PRIMARY KEY (organization_id, currency, sequence, line),
      CONSTRAINT ledger_posting_amount CHECK (amount_minor <> 0)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE ledger_entry (
      organization_id TEXT NOT NULL,
      currency TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      entry_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      reference_id TEXT NOT NULL,
      description TEXT NOT NULL,
      posted_at_us INTEGER NOT NULL,
      previous_hash BLOB NOT NULL,
      hash BLOB NOT NULL,
      PRIMARY KEY (organization_id, currency, sequence),
      CONSTRAINT ledger_entry_kind CHECK (kind IN ('TOP_UP', 'ORDER_PAYMENT', 'DUE_PAYMENT')),
      CONSTRAINT ledger_entry_hash CHECK (length(hash) = 32 AND length(previous_hash) = 32)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX ledger_entry_reference ON ledger_entry (reference_id, kind);

    CREATE TABLE ledger_balance (
      organization_id TEXT NOT NULL,
      currency TEXT NOT NULL,
      account TEXT NOT NULL,
      amount_minor INTEGER NOT NULL,
      PRIMARY KEY (organization_id, currency, account),
      CONSTRAINT prepaid_never_negative CHECK (
        account NOT IN ('prepaid.deposits', 'prepaid.granted') OR amount_minor <= 0)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE prepaid_movement (
      organization_id TEXT NOT NULL,
      currency TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      amount_minor INTEGER NOT NULL,
      balance_minor INTEGER NOT NULL,
      PRIMARY KEY (organization_id, currency, sequence),
      CONSTRAINT prepaid_movement_balance CHECK (balance_minor >= 0)
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER ledger_entry_is_balanced BEFORE INSERT ON ledger_entry
    WHEN (
      SELECT COUNT(*) < 2 OR SUM(amount_minor) <> 0 FROM ledger_posting
      WHERE organization_id = NEW.organization_id AND currency = NEW.currency
        AND sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'ledger_entry_is_balanced'); END;
    CREATE TRIGGER ledger_posting_is_sealed BEFORE INSERT ON ledger_posting
    WHEN EXISTS (
      SELECT 1 FROM ledger_entry
      WHERE organization_id = NEW.organization_id AND currency = NEW.currency
        AND sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'ledger_posting_is_sealed'); END;
    CREATE TRIGGER ledger_entry_is_final BEFORE UPDATE ON ledger_entry
    BEGIN SELECT RAISE(ABORT, 'ledger_entry_is_final'); END;
    CREATE TRIGGER ledger_entry_stays BEFORE DELETE ON ledger_entry
    BEGIN SELECT RAISE(ABORT, 'ledger_entry_stays'); END;
    CREATE TRIGGER ledger_posting_is_final BEFORE UPDATE ON ledger_posting
    BEGIN SELECT RAISE(ABORT, 'ledger_posting_is_final'); END;
    CREATE TRIGGER ledger_posting_stays BEFORE DELETE ON ledger_posting
    BEGIN SELECT RAISE(ABORT, 'ledger_posting_stays'); END;
    CREATE TRIGGER prepaid_movement_is_final BEFORE UPDATE ON prepaid_movement
    BEGIN SELECT RAISE(ABORT, 'prepaid_movement_is_final'); END;
    CREATE TRIGGER prepaid_movement_stays BEFORE DELETE ON prepaid_movement
    BEGIN SELECT RAISE(ABORT, 'prepaid_movement_stays'); END;
    CREATE TRIGGER ledger_balance_stays BEFORE DELETE ON ledger_balance
    BEGIN SELECT RAISE(ABORT, 'ledger_balance_stays'); END;
    CREATE TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head
    BEGIN SELECT RAISE(ABORT, 'ledger_head_stays'); END;
    """

  /// A top-up is credited once by `ledger_entry_reference`, an event is taken once by its key
  /// (ACC-2).
  private static let topUp = """
    CREATE TABLE top_up (
      top_up_id TEXT NOT NULL PRIMARY KEY,
      organization_id TEXT NOT NULL,
      user_id TEXT NOT NULL,
      amount_minor INTEGER NOT NULL,
      currency TEXT NOT NULL,
      method TEXT NOT NULL,
      provider TEXT NOT NULL,
      provider_reference TEXT NOT NULL,
      state TEXT NOT NULL,
      created_at_us INTEGER NOT NULL,
      expires_at_us INTEGER NOT NULL,
      settled_at_us INTEGER,
      CONSTRAINT top_up_amount CHECK (amount_minor > 0),
      CONSTRAINT top_up_currency CHECK (currency IN ('CHF', 'EUR')),
      CONSTRAINT top_up_method CHECK (method IN ('CARD')),
      CONSTRAINT top_up_state CHECK (
        state IN ('CREATED', 'PENDING', 'SETTLED', 'FAILED', 'EXPIRED')),
      CONSTRAINT top_up_settled CHECK ((state = 'SETTLED') = (settled_at_us IS NOT NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX top_up_reference ON top_up (provider, provider_reference);
    CREATE INDEX top_up_organization ON top_up (organization_id, top_up_id);

    CREATE TABLE provider_event (
      provider TEXT NOT NULL,
      event_id TEXT NOT NULL,
      provider_reference TEXT NOT NULL,
      kind TEXT NOT NULL,
      amount_minor INTEGER NOT NULL,
      currency TEXT NOT NULL,
      received_at_us INTEGER NOT NULL,
      PRIMARY KEY (provider, event_id),
      CONSTRAINT provider_event_kind CHECK (kind IN ('CAPTURED', 'DECLINED'))
    ) STRICT, WITHOUT ROWID;
    """

  /// The number comes from the series' row in the transaction that issues the invoice, so that a
  /// rolled-back transaction leaves no gap; an issued invoice is frozen (ACC-8).
  private static let invoice = """
    CREATE TABLE billing_party (
      organization_id TEXT NOT NULL PRIMARY KEY,
      \(partyColumns),
      updated_at_us INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE invoice_series (
      series INTEGER NOT NULL PRIMARY KEY,
      last_number INTEGER NOT NULL,
      CONSTRAINT invoice_series_number CHECK (last_number > 0)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE invoice (
      invoice_id TEXT NOT NULL PRIMARY KEY,
      organization_id TEXT NOT NULL,
      series INTEGER NOT NULL,
      number INTEGER NOT NULL,
      state TEXT NOT NULL,
      issue_date TEXT NOT NULL,
      due_date TEXT NOT NULL,
      supplier_name TEXT NOT NULL,
      supplier_street TEXT NOT NULL,
      supplier_postal_code TEXT NOT NULL,
      supplier_town TEXT NOT NULL,
      supplier_country_code TEXT NOT NULL,
      supplier_vat_number TEXT NOT NULL,
      \(partyColumns),
      currency TEXT NOT NULL,
      net_minor INTEGER NOT NULL,
      tax_minor INTEGER NOT NULL,
      rounding_minor INTEGER NOT NULL,
      total_minor INTEGER NOT NULL,
      order_id TEXT,
      payment_id TEXT,
      issued_at_us INTEGER NOT NULL,
      CONSTRAINT invoice_state CHECK (state IN ('OPEN', 'PAID')),
      CONSTRAINT invoice_number CHECK (number > 0),
      CONSTRAINT invoice_sum CHECK (net_minor + tax_minor + rounding_minor = total_minor)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX invoice_series_number ON invoice (series, number);
    CREATE UNIQUE INDEX invoice_order ON invoice (order_id) WHERE order_id IS NOT NULL;
    CREATE UNIQUE INDEX invoice_payment ON invoice (payment_id) WHERE payment_id IS NOT NULL;
    CREATE INDEX invoice_organization ON invoice (organization_id, series, number);
    CREATE INDEX invoice_open ON invoice (organization_id, due_date) WHERE state = 'OPEN';

    CREATE TABLE invoice_line (
      invoice_id TEXT NOT NULL,
      line INTEGER NOT NULL,
      description TEXT NOT NULL,
      product_id TEXT,
      period_start TEXT NOT NULL,
      period_end TEXT NOT NULL,
      net_minor INTEGER NOT NULL,
      tax_minor INTEGER NOT NULL,
      rate_basis_points INTEGER NOT NULL,
      PRIMARY KEY (invoice_id, line),
      CONSTRAINT invoice_line_period CHECK (period_start < period_end)
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER invoice_is_frozen BEFORE UPDATE ON invoice
    WHEN NOT (OLD.state = 'OPEN' AND NEW.state = 'PAID'
      AND NEW.invoice_id = OLD.invoice_id AND NEW.organization_id = OLD.organization_id
      AND NEW.series = OLD.series AND NEW.number = OLD.number
      AND NEW.issue_date = OLD.issue_date AND NEW.currency = OLD.currency
      AND NEW.net_minor = OLD.net_minor AND NEW.tax_minor = OLD.tax_minor
      AND NEW.rounding_minor = OLD.rounding_minor AND NEW.total_minor = OLD.total_minor)
    BEGIN SELECT RAISE(ABORT, 'invoice_is_frozen'); END;
    CREATE TRIGGER invoice_stays BEFORE DELETE ON invoice
    BEGIN SELECT RAISE(ABORT, 'invoice_stays'); END;
    CREATE TRIGGER invoice_line_is_frozen BEFORE UPDATE ON invoice_line
    BEGIN SELECT RAISE(ABORT, 'invoice_line_is_frozen'); END;
    CREATE TRIGGER invoice_line_stays BEFORE DELETE ON invoice_line
    BEGIN SELECT RAISE(ABORT, 'invoice_line_stays'); END;

    CREATE TABLE order_charge (
      order_id TEXT NOT NULL PRIMARY KEY,
      organization_id TEXT NOT NULL,
      request_hash BLOB NOT NULL,
      invoice_id TEXT NOT NULL,
      entry_id TEXT NOT NULL,
      paid_at_us INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  /// A quote is paid once, and so is a product's period (ACC-3).
  private static let payment = """
    CREATE TABLE payment_quote (
      payment_quote_id TEXT NOT NULL PRIMARY KEY,
      organization_id TEXT NOT NULL,
      rounds_totals INTEGER NOT NULL,
      created_at_us INTEGER NOT NULL,
      expires_at_us INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX payment_quote_expiry ON payment_quote (expires_at_us);

    CREATE TABLE payment_quote_item (
      payment_quote_id TEXT NOT NULL,
      line INTEGER NOT NULL,
      product_id TEXT NOT NULL,
      months INTEGER NOT NULL,
      description TEXT NOT NULL,
      period_start TEXT NOT NULL,
      period_end TEXT NOT NULL,
      net_minor INTEGER NOT NULL,
      tax_minor INTEGER NOT NULL,
      currency TEXT NOT NULL,
      rate_basis_points INTEGER NOT NULL,
      PRIMARY KEY (payment_quote_id, line)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE payment (
      payment_id TEXT NOT NULL PRIMARY KEY,
      organization_id TEXT NOT NULL,
      user_id TEXT NOT NULL,
      payment_quote_id TEXT NOT NULL,
      amount_minor INTEGER NOT NULL,
      currency TEXT NOT NULL,
      state TEXT NOT NULL,
      invoice_id TEXT NOT NULL,
      created_at_us INTEGER NOT NULL,
      completed_at_us INTEGER,
      CONSTRAINT payment_state CHECK (state IN ('PAID', 'COMPLETE')),
      CONSTRAINT payment_amount CHECK (amount_minor >= 0),
      CONSTRAINT payment_completed CHECK ((state = 'COMPLETE') = (completed_at_us IS NOT NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX payment_of_quote ON payment (payment_quote_id);

    CREATE TABLE renewal_payment (
      product_id TEXT NOT NULL,
      period_start TEXT NOT NULL,
      months INTEGER NOT NULL,
      organization_id TEXT NOT NULL,
      payment_id TEXT NOT NULL,
      PRIMARY KEY (product_id, period_start),
      CONSTRAINT renewal_payment_months CHECK (months > 0)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX renewal_payment_payment ON renewal_payment (payment_id);
    """

  /// An entry carries the hash of the one before it; the first one carries zeros (ACC-1).
  private static let ledgerChain = """
    CREATE TRIGGER ledger_entry_is_chained BEFORE INSERT ON ledger_entry
    WHEN NOT EXISTS (
      SELECT 1 FROM ledger_entry
      WHERE organization_id = NEW.organization_id AND currency = NEW.currency
        AND sequence = NEW.sequence - 1 AND hash = NEW.previous_hash)
      AND NOT (NEW.sequence = 1 AND NEW.previous_hash = zeroblob(32))
    BEGIN SELECT RAISE(ABORT, 'ledger_entry_is_chained'); END;
    """

  /// Whom an invoice is made out to.
  static let partyColumns = """
    recipient_given_name TEXT NOT NULL,
      recipient_family_name TEXT NOT NULL,
      recipient_company_name TEXT NOT NULL,
      recipient_street TEXT NOT NULL,
      recipient_building_number TEXT NOT NULL,
      recipient_postal_code TEXT NOT NULL,
      recipient_town TEXT NOT NULL,
      recipient_country_code TEXT NOT NULL,
      recipient_vat_number TEXT NOT NULL
    """
}
