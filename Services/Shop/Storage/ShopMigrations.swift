package import SQLCore

/// The schema of the shop; numbers 100 and up.
package enum ShopMigrations {
  /// All steps, in order.
  package static let all = [createCatalogue, createOrders, createProducts]

  private static let createCatalogue = Migration(
    number: 100, name: "create_catalogue",
    sqlite: """
      CREATE TABLE catalogue_version (
        version TEXT NOT NULL PRIMARY KEY,
        content TEXT NOT NULL,
        loaded_at_us INTEGER NOT NULL
      ) STRICT;
      """,
    postgres: """
      CREATE TABLE catalogue_version (
        version text NOT NULL PRIMARY KEY,
        content text NOT NULL,
        loaded_at_us bigint NOT NULL
      );
      """)

  private static let createOrders = Migration(
    number: 101, name: "create_orders",
    sqlite: """
      CREATE TABLE shop_order (
        order_id TEXT NOT NULL PRIMARY KEY,
        organization_id TEXT NOT NULL,
        ordered_by TEXT NOT NULL,
        state TEXT NOT NULL CONSTRAINT shop_order_state
          CHECK (state IN ('PENDING', 'PAYING', 'PAID', 'CANCELLED')),
        catalogue_version TEXT NOT NULL REFERENCES catalogue_version (version),
        currency TEXT NOT NULL CONSTRAINT shop_order_currency CHECK (currency IN ('CHF', 'EUR')),
        rounds_to_five INTEGER NOT NULL
          CONSTRAINT shop_order_rounding CHECK (rounds_to_five IN (0, 1)),
        total_minor_units INTEGER NOT NULL
          CONSTRAINT shop_order_total CHECK (total_minor_units >= 0),
        given_name TEXT NOT NULL,
        family_name TEXT NOT NULL,
        company_name TEXT NOT NULL,
        street TEXT NOT NULL,
        building_number TEXT NOT NULL,
        postal_code TEXT NOT NULL,
        town TEXT NOT NULL,
        country_code TEXT NOT NULL,
        vat_number TEXT NOT NULL,
        accepted_terms_version TEXT NOT NULL,
        created_at_us INTEGER NOT NULL,
        expires_at_us INTEGER NOT NULL,
        paid_at_us INTEGER,
        invoice_id TEXT,
        CONSTRAINT shop_order_paid CHECK ((state = 'PAID') = (paid_at_us IS NOT NULL)),
        CONSTRAINT shop_order_invoiced
          CHECK ((state = 'PAID' AND total_minor_units > 0) = (invoice_id IS NOT NULL))
      ) STRICT, WITHOUT ROWID;

      CREATE INDEX shop_order_by_organization
        ON shop_order (organization_id, created_at_us, order_id);

      CREATE TABLE order_line (
        order_id TEXT NOT NULL REFERENCES shop_order (order_id),
        position INTEGER NOT NULL CONSTRAINT order_line_position CHECK (position BETWEEN 0 AND 49),
        plan_id TEXT NOT NULL,
        product_type_id TEXT NOT NULL,
        months INTEGER NOT NULL CONSTRAINT order_line_months CHECK (months BETWEEN 1 AND 120),
        domain_name TEXT,
        description TEXT NOT NULL,
        net_minor_units INTEGER NOT NULL
          CONSTRAINT order_line_net CHECK (net_minor_units >= 0),
        tax_minor_units INTEGER NOT NULL
          CONSTRAINT order_line_tax CHECK (tax_minor_units >= 0),
        tax_rate_basis_points INTEGER NOT NULL
          CONSTRAINT order_line_rate CHECK (tax_rate_basis_points BETWEEN 0 AND 10000),
        category TEXT NOT NULL,
        display_name TEXT NOT NULL,
        grace_days INTEGER NOT NULL CONSTRAINT order_line_grace CHECK (grace_days >= 0),
        blocked_days INTEGER NOT NULL CONSTRAINT order_line_blocked CHECK (blocked_days >= 0),
        is_free INTEGER NOT NULL CONSTRAINT order_line_free CHECK (is_free IN (0, 1)),
        product_id TEXT NOT NULL CONSTRAINT order_line_product UNIQUE,
        PRIMARY KEY (order_id, position)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE payment_attempt (
        attempt_id TEXT NOT NULL PRIMARY KEY,
        order_id TEXT NOT NULL REFERENCES shop_order (order_id),
        request_scope TEXT NOT NULL,
        request_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        state TEXT NOT NULL CONSTRAINT payment_attempt_state
          CHECK (state IN ('PAYING', 'PAID', 'REFUSED')),
        supply_start TEXT NOT NULL,
        started_at_us INTEGER NOT NULL,
        ended_at_us INTEGER,
        refusal BLOB,
        CONSTRAINT payment_attempt_ended CHECK ((state = 'PAYING') = (ended_at_us IS NULL))
      ) STRICT, WITHOUT ROWID;

      CREATE UNIQUE INDEX payment_attempt_of_order
        ON payment_attempt (order_id) WHERE state <> 'REFUSED';
      CREATE UNIQUE INDEX payment_attempt_of_request
        ON payment_attempt (request_scope, request_id) WHERE state <> 'REFUSED';
      """,
    postgres: """
      CREATE TABLE shop_order (
        order_id text NOT NULL PRIMARY KEY,
        organization_id text NOT NULL,
        ordered_by text NOT NULL,
        state text NOT NULL CONSTRAINT shop_order_state
          CHECK (state IN ('PENDING', 'PAYING', 'PAID', 'CANCELLED')),
        catalogue_version text NOT NULL REFERENCES catalogue_version (version),
        currency text NOT NULL CONSTRAINT shop_order_currency CHECK (currency IN ('CHF', 'EUR')),
        rounds_to_five bigint NOT NULL
          CONSTRAINT shop_order_rounding CHECK (rounds_to_five IN (0, 1)),
        total_minor_units bigint NOT NULL
          CONSTRAINT shop_order_total CHECK (total_minor_units >= 0),
        given_name text NOT NULL,
        family_name text NOT NULL,
        company_name text NOT NULL,
        street text NOT NULL,
        building_number text NOT NULL,
        postal_code text NOT NULL,
        town text NOT NULL,
        country_code text NOT NULL,
        vat_number text NOT NULL,
        accepted_terms_version text NOT NULL,
        created_at_us bigint NOT NULL,
        expires_at_us bigint NOT NULL,
        paid_at_us bigint,
        invoice_id text,
        CONSTRAINT shop_order_paid CHECK ((state = 'PAID') = (paid_at_us IS NOT NULL)),
        CONSTRAINT shop_order_invoiced
          CHECK ((state = 'PAID' AND total_minor_units > 0) = (invoice_id IS NOT NULL))
      );

      CREATE INDEX shop_order_by_organization
        ON shop_order (organization_id, created_at_us, order_id);

      CREATE TABLE order_line (
        order_id text NOT NULL REFERENCES shop_order (order_id),
        position bigint NOT NULL CONSTRAINT order_line_position CHECK (position BETWEEN 0 AND 49),
        plan_id text NOT NULL,
        product_type_id text NOT NULL,
        months bigint NOT NULL CONSTRAINT order_line_months CHECK (months BETWEEN 1 AND 120),
        domain_name text,
        description text NOT NULL,
        net_minor_units bigint NOT NULL
          CONSTRAINT order_line_net CHECK (net_minor_units >= 0),
        tax_minor_units bigint NOT NULL
          CONSTRAINT order_line_tax CHECK (tax_minor_units >= 0),
        tax_rate_basis_points bigint NOT NULL
          CONSTRAINT order_line_rate CHECK (tax_rate_basis_points BETWEEN 0 AND 10000),
        category text NOT NULL,
        display_name text NOT NULL,
        grace_days bigint NOT NULL CONSTRAINT order_line_grace CHECK (grace_days >= 0),
        blocked_days bigint NOT NULL CONSTRAINT order_line_blocked CHECK (blocked_days >= 0),
        is_free bigint NOT NULL CONSTRAINT order_line_free CHECK (is_free IN (0, 1)),
        product_id text NOT NULL CONSTRAINT order_line_product UNIQUE,
        PRIMARY KEY (order_id, position)
      );

      CREATE TABLE payment_attempt (
        attempt_id text NOT NULL PRIMARY KEY,
        order_id text NOT NULL REFERENCES shop_order (order_id),
        request_scope text NOT NULL,
        request_id text NOT NULL,
        user_id text NOT NULL,
        state text NOT NULL CONSTRAINT payment_attempt_state
          CHECK (state IN ('PAYING', 'PAID', 'REFUSED')),
        supply_start text NOT NULL,
        started_at_us bigint NOT NULL,
        ended_at_us bigint,
        refusal bytea,
        CONSTRAINT payment_attempt_ended CHECK ((state = 'PAYING') = (ended_at_us IS NULL))
      );

      CREATE UNIQUE INDEX payment_attempt_of_order
        ON payment_attempt (order_id) WHERE state <> 'REFUSED';
      CREATE UNIQUE INDEX payment_attempt_of_request
        ON payment_attempt (request_scope, request_id) WHERE state <> 'REFUSED';
      """)

  private static let createProducts = Migration(
    number: 102, name: "create_products",
    sqlite: """
      CREATE TABLE product (
        product_id TEXT NOT NULL PRIMARY KEY,
        organization_id TEXT NOT NULL,
        order_id TEXT NOT NULL REFERENCES shop_order (order_id),
        product_type_id TEXT NOT NULL,
        plan_id TEXT NOT NULL,
        domain_name TEXT,
        category TEXT NOT NULL,
        display_name TEXT NOT NULL,
        grace_days INTEGER NOT NULL CONSTRAINT product_grace CHECK (grace_days >= 0),
        blocked_days INTEGER NOT NULL CONSTRAINT product_blocked CHECK (blocked_days >= 0),
        is_free INTEGER NOT NULL CONSTRAINT product_free CHECK (is_free IN (0, 1)),
        currency TEXT NOT NULL CONSTRAINT product_currency CHECK (currency IN ('CHF', 'EUR')),
        stage TEXT NOT NULL CONSTRAINT product_stage
          CHECK (stage IN ('PENDING', 'IN_SERVICE', 'TERMINATED')),
        anchor TEXT NOT NULL,
        months_elapsed INTEGER NOT NULL
          CONSTRAINT product_elapsed CHECK (months_elapsed >= 0),
        months INTEGER NOT NULL CONSTRAINT product_months CHECK (months BETWEEN 1 AND 120),
        period_end TEXT NOT NULL,
        grace_end TEXT NOT NULL,
        blocked_end TEXT NOT NULL,
        created_at_us INTEGER NOT NULL,
        CONSTRAINT product_dates
          CHECK (anchor < period_end AND period_end <= grace_end AND grace_end <= blocked_end)
      ) STRICT, WITHOUT ROWID;

      CREATE INDEX product_by_organization ON product (organization_id, product_id);
      CREATE INDEX product_by_end ON product (organization_id, period_end, product_id);

      CREATE TABLE product_renewal (
        payment_id TEXT NOT NULL,
        product_id TEXT NOT NULL REFERENCES product (product_id),
        period_start TEXT NOT NULL,
        months INTEGER NOT NULL
          CONSTRAINT product_renewal_months CHECK (months BETWEEN 1 AND 120),
        applied_at_us INTEGER NOT NULL,
        PRIMARY KEY (payment_id, product_id),
        CONSTRAINT product_renewal_period UNIQUE (product_id, period_start)
      ) STRICT, WITHOUT ROWID;
      """,
    postgres: """
      CREATE TABLE product (
        product_id text NOT NULL PRIMARY KEY,
        organization_id text NOT NULL,
        order_id text NOT NULL REFERENCES shop_order (order_id),
        product_type_id text NOT NULL,
        plan_id text NOT NULL,
        domain_name text,
        category text NOT NULL,
        display_name text NOT NULL,
        grace_days bigint NOT NULL CONSTRAINT product_grace CHECK (grace_days >= 0),
        blocked_days bigint NOT NULL CONSTRAINT product_blocked CHECK (blocked_days >= 0),
        is_free bigint NOT NULL CONSTRAINT product_free CHECK (is_free IN (0, 1)),
        currency text NOT NULL CONSTRAINT product_currency CHECK (currency IN ('CHF', 'EUR')),
        stage text NOT NULL CONSTRAINT product_stage
          CHECK (stage IN ('PENDING', 'IN_SERVICE', 'TERMINATED')),
        anchor text NOT NULL,
        months_elapsed bigint NOT NULL
          CONSTRAINT product_elapsed CHECK (months_elapsed >= 0),
        months bigint NOT NULL CONSTRAINT product_months CHECK (months BETWEEN 1 AND 120),
        period_end text NOT NULL,
        grace_end text NOT NULL,
        blocked_end text NOT NULL,
        created_at_us bigint NOT NULL,
        CONSTRAINT product_dates
          CHECK (anchor < period_end AND period_end <= grace_end AND grace_end <= blocked_end)
      );

      CREATE INDEX product_by_organization ON product (organization_id, product_id);
      CREATE INDEX product_by_end ON product (organization_id, period_end, product_id);

      CREATE TABLE product_renewal (
        payment_id text NOT NULL,
        product_id text NOT NULL REFERENCES product (product_id),
        period_start text NOT NULL,
        months bigint NOT NULL
          CONSTRAINT product_renewal_months CHECK (months BETWEEN 1 AND 120),
        applied_at_us bigint NOT NULL,
        PRIMARY KEY (payment_id, product_id),
        CONSTRAINT product_renewal_period UNIQUE (product_id, period_start)
      );
      """)
}
