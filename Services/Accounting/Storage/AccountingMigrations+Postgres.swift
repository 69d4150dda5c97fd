extension AccountingMigrations {
  /// The tables as PostgreSQL has them. Functions stand for SQLite's conditions of triggers; a
  /// trigger's refusal is its name in both. TRUNCATE, which SQLite does not know, is refused too.
  enum Postgres {
    /// Postings are written before their entry, and the entry seals them: a trigger refuses an entry
    /// whose postings do not sum to zero, and a posting for an entry that is there already. Nothing
    /// is ever changed or deleted (ACC-1).
    static let ledger = """
      CREATE TABLE ledger_head (
        organization_id text NOT NULL,
        currency text NOT NULL,
        sequence bigint NOT NULL,
        hash bytea NOT NULL,
        PRIMARY KEY (organization_id, currency),
        CONSTRAINT ledger_head_currency CHECK (currency IN ('CHF', 'EUR')),
        CONSTRAINT ledger_head_sequence CHECK (sequence > 0),
        CONSTRAINT ledger_head_hash CHECK (length(hash) = 32)
      );

      CREATE TABLE ledger_posting (
        organization_id text NOT NULL,
        currency text NOT NULL,
        sequence bigint NOT NULL,
        line bigint NOT NULL,
        account text NOT NULL,
        amount_minor bigint NOT NULL,
        PRIMARY KEY (organization_id, currency, sequence, line),
        CONSTRAINT ledger_posting_amount CHECK (amount_minor <> 0)
      );

      CREATE TABLE ledger_entry (
        organization_id text NOT NULL,
        currency text NOT NULL,
        sequence bigint NOT NULL,
        entry_id text NOT NULL,
        kind text NOT NULL,
        reference_id text NOT NULL,
        description text NOT NULL,
        posted_at_us bigint NOT NULL,
        previous_hash bytea NOT NULL,
        hash bytea NOT NULL,
        PRIMARY KEY (organization_id, currency, sequence),
        CONSTRAINT ledger_entry_kind CHECK (kind IN ('TOP_UP', 'ORDER_PAYMENT', 'DUE_PAYMENT')),
        CONSTRAINT ledger_entry_hash CHECK (length(hash) = 32 AND length(previous_hash) = 32)
      );
      CREATE UNIQUE INDEX ledger_entry_reference ON ledger_entry (reference_id, kind);

      CREATE TABLE ledger_balance (
        organization_id text NOT NULL,
        currency text NOT NULL,
        account text NOT NULL,
        amount_minor bigint NOT NULL,
        PRIMARY KEY (organization_id, currency, account),
        CONSTRAINT prepaid_never_negative CHECK (
          account NOT IN ('prepaid.deposits', 'prepaid.granted') OR amount_minor <= 0)
      );

      CREATE TABLE prepaid_movement (
        organization_id text NOT NULL,
        currency text NOT NULL,
        sequence bigint NOT NULL,
        amount_minor bigint NOT NULL,
        balance_minor bigint NOT NULL,
        PRIMARY KEY (organization_id, currency, sequence),
        CONSTRAINT prepaid_movement_balance CHECK (balance_minor >= 0)
      );

      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING MESSAGE = TG_NAME; END $$;
      CREATE FUNCTION refuse_unbalanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF (SELECT count(*) < 2 OR sum(amount_minor) <> 0 FROM ledger_posting
            WHERE organization_id = NEW.organization_id AND currency = NEW.currency
              AND sequence = NEW.sequence)
          THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
          RETURN NEW;
        END $$;
      CREATE FUNCTION refuse_late_posting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF EXISTS (SELECT 1 FROM ledger_entry
            WHERE organization_id = NEW.organization_id AND currency = NEW.currency
              AND sequence = NEW.sequence)
          THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
          RETURN NEW;
        END $$;

      CREATE TRIGGER ledger_entry_is_balanced BEFORE INSERT ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_entry();
      CREATE TRIGGER ledger_posting_is_sealed BEFORE INSERT ON ledger_posting
        FOR EACH ROW EXECUTE FUNCTION refuse_late_posting();
      CREATE TRIGGER ledger_entry_is_final BEFORE UPDATE ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_entry_stays BEFORE DELETE ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_entry_is_not_emptied BEFORE TRUNCATE ON ledger_entry
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_posting_is_final BEFORE UPDATE ON ledger_posting
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_posting_stays BEFORE DELETE ON ledger_posting
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_posting_is_not_emptied BEFORE TRUNCATE ON ledger_posting
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER prepaid_movement_is_final BEFORE UPDATE ON prepaid_movement
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER prepaid_movement_stays BEFORE DELETE ON prepaid_movement
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER prepaid_movement_is_not_emptied BEFORE TRUNCATE ON prepaid_movement
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_balance_stays BEFORE DELETE ON ledger_balance
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_balance_is_not_emptied BEFORE TRUNCATE ON ledger_balance
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ledger_head_is_not_emptied BEFORE TRUNCATE ON ledger_head
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      """

    /// A top-up is credited once by `ledger_entry_reference`, an event is taken once by its key
    /// (ACC-2).
    static let topUp = """
      CREATE TABLE top_up (
        top_up_id text NOT NULL PRIMARY KEY,
        organization_id text NOT NULL,
        user_id text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        method text NOT NULL,
        provider text NOT NULL,
        provider_reference text NOT NULL,
        state text NOT NULL,
        created_at_us bigint NOT NULL,
        expires_at_us bigint NOT NULL,
        settled_at_us bigint,
        CONSTRAINT top_up_amount CHECK (amount_minor > 0),
        CONSTRAINT top_up_currency CHECK (currency IN ('CHF', 'EUR')),
        CONSTRAINT top_up_method CHECK (method IN ('CARD')),
        CONSTRAINT top_up_state CHECK (
          state IN ('CREATED', 'PENDING', 'SETTLED', 'FAILED', 'EXPIRED')),
        CONSTRAINT top_up_settled CHECK ((state = 'SETTLED') = (settled_at_us IS NOT NULL))
      );
      CREATE UNIQUE INDEX top_up_reference ON top_up (provider, provider_reference);
      CREATE INDEX top_up_organization ON top_up (organization_id, top_up_id);

      CREATE TABLE provider_event (
        provider text NOT NULL,
        event_id text NOT NULL,
        provider_reference text NOT NULL,
        kind text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        received_at_us bigint NOT NULL,
        PRIMARY KEY (provider, event_id),
        CONSTRAINT provider_event_kind CHECK (kind IN ('CAPTURED', 'DECLINED'))
      );
      """

    /// The number comes from the series' row in the transaction that issues the invoice, so that a
    /// rolled-back transaction leaves no gap; an issued invoice is frozen (ACC-8).
    static let invoice = """
      CREATE TABLE billing_party (
        organization_id text NOT NULL PRIMARY KEY,
        \(AccountingMigrations.partyColumns),
        updated_at_us bigint NOT NULL
      );

      CREATE TABLE invoice_series (
        series bigint NOT NULL PRIMARY KEY,
        last_number bigint NOT NULL,
        CONSTRAINT invoice_series_number CHECK (last_number > 0)
      );

      CREATE TABLE invoice (
        invoice_id text NOT NULL PRIMARY KEY,
        organization_id text NOT NULL,
        series bigint NOT NULL,
        number bigint NOT NULL,
        state text NOT NULL,
        issue_date text NOT NULL,
        due_date text NOT NULL,
        supplier_name text NOT NULL,
        supplier_street text NOT NULL,
        supplier_postal_code text NOT NULL,
        supplier_town text NOT NULL,
        supplier_country_code text NOT NULL,
        supplier_vat_number text NOT NULL,
        \(AccountingMigrations.partyColumns),
        currency text NOT NULL,
        net_minor bigint NOT NULL,
        tax_minor bigint NOT NULL,
        rounding_minor bigint NOT NULL,
        total_minor bigint NOT NULL,
        order_id text,
        payment_id text,
        issued_at_us bigint NOT NULL,
        CONSTRAINT invoice_state CHECK (state IN ('OPEN', 'PAID')),
        CONSTRAINT invoice_number CHECK (number > 0),
        CONSTRAINT invoice_sum CHECK (net_minor + tax_minor + rounding_minor = total_minor)
      );
      CREATE UNIQUE INDEX invoice_series_number ON invoice (series, number);
      CREATE UNIQUE INDEX invoice_order ON invoice (order_id) WHERE order_id IS NOT NULL;
      CREATE UNIQUE INDEX invoice_payment ON invoice (payment_id) WHERE payment_id IS NOT NULL;
      CREATE INDEX invoice_organization ON invoice (organization_id, series, number);
      CREATE INDEX invoice_open ON invoice (organization_id, due_date) WHERE state = 'OPEN';

      CREATE TABLE invoice_line (
        invoice_id text NOT NULL,
        line bigint NOT NULL,
        description text NOT NULL,
        product_id text,
        period_start text NOT NULL,
        period_end text NOT NULL,
        net_minor bigint NOT NULL,
        tax_minor bigint NOT NULL,
        rate_basis_points bigint NOT NULL,
        PRIMARY KEY (invoice_id, line),
        CONSTRAINT invoice_line_period CHECK (period_start < period_end)
      );

      CREATE TRIGGER invoice_is_frozen BEFORE UPDATE ON invoice
        FOR EACH ROW WHEN (NOT (OLD.state = 'OPEN' AND NEW.state = 'PAID'
        AND NEW.invoice_id = OLD.invoice_id AND NEW.organization_id = OLD.organization_id
        AND NEW.series = OLD.series AND NEW.number = OLD.number
        AND NEW.issue_date = OLD.issue_date AND NEW.currency = OLD.currency
        AND NEW.net_minor = OLD.net_minor AND NEW.tax_minor = OLD.tax_minor
        AND NEW.rounding_minor = OLD.rounding_minor AND NEW.total_minor = OLD.total_minor))
        EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER invoice_stays BEFORE DELETE ON invoice
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER invoice_is_not_emptied BEFORE TRUNCATE ON invoice
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER invoice_line_is_frozen BEFORE UPDATE ON invoice_line
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER invoice_line_stays BEFORE DELETE ON invoice_line
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER invoice_line_is_not_emptied BEFORE TRUNCATE ON invoice_line
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

      CREATE TABLE order_charge (
        order_id text NOT NULL PRIMARY KEY,
        organization_id text NOT NULL,
        request_hash bytea NOT NULL,
        invoice_id text NOT NULL,
        entry_id text NOT NULL,
        paid_at_us bigint NOT NULL
      );
      """

    /// A quote is paid once, and so is a product's period (ACC-3).
    static let payment = """
      CREATE TABLE payment_quote (
        payment_quote_id text NOT NULL PRIMARY KEY,
        organization_id text NOT NULL,
        rounds_totals bigint NOT NULL,
        created_at_us bigint NOT NULL,
        expires_at_us bigint NOT NULL
      );
      CREATE INDEX payment_quote_expiry ON payment_quote (expires_at_us);

      CREATE TABLE payment_quote_item (
        payment_quote_id text NOT NULL,
        line bigint NOT NULL,
        product_id text NOT NULL,
        months bigint NOT NULL,
        description text NOT NULL,
        period_start text NOT NULL,
        period_end text NOT NULL,
        net_minor bigint NOT NULL,
        tax_minor bigint NOT NULL,
        currency text NOT NULL,
        rate_basis_points bigint NOT NULL,
        PRIMARY KEY (payment_quote_id, line)
      );

      CREATE TABLE payment (
        payment_id text NOT NULL PRIMARY KEY,
        organization_id text NOT NULL,
        user_id text NOT NULL,
        payment_quote_id text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        state text NOT NULL,
        invoice_id text NOT NULL,
        created_at_us bigint NOT NULL,
        completed_at_us bigint,
        CONSTRAINT payment_state CHECK (state IN ('PAID', 'COMPLETE')),
        CONSTRAINT payment_amount CHECK (amount_minor >= 0),
        CONSTRAINT payment_completed CHECK ((state = 'COMPLETE') = (completed_at_us IS NOT NULL))
      );
      CREATE UNIQUE INDEX payment_of_quote ON payment (payment_quote_id);

      CREATE TABLE renewal_payment (
        product_id text NOT NULL,
        period_start text NOT NULL,
        months bigint NOT NULL,
        organization_id text NOT NULL,
        payment_id text NOT NULL,
        PRIMARY KEY (product_id, period_start),
        CONSTRAINT renewal_payment_months CHECK (months > 0)
      );
      CREATE INDEX renewal_payment_payment ON renewal_payment (payment_id);
      """

    static let ledgerChain = """
      CREATE FUNCTION refuse_unchained_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NOT EXISTS (SELECT 1 FROM ledger_entry
            WHERE organization_id = NEW.organization_id AND currency = NEW.currency
              AND sequence = NEW.sequence - 1 AND hash = NEW.previous_hash)
            AND NOT (NEW.sequence = 1 AND NEW.previous_hash = decode(repeat('00', 32), 'hex'))
          THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
          RETURN NEW;
        END $$;
      CREATE TRIGGER ledger_entry_is_chained BEFORE INSERT ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION refuse_unchained_entry();
      """
  }
}
