extension IdentityMigrations {
  /// The tables as PostgreSQL has them.
  enum Postgres {
    static let usersAndSignUps = """
      CREATE TABLE user_account (
        id text NOT NULL PRIMARY KEY,
        login text NOT NULL,
        email text NOT NULL,
        given_name text NOT NULL,
        family_name text NOT NULL,
        language text NOT NULL
          CONSTRAINT user_account_language CHECK (language IN ('de', 'fr', 'it', 'en')),
        password_hash text NOT NULL,
        default_organization_id text,
        created_us bigint NOT NULL
      );

      CREATE UNIQUE INDEX user_account_login ON user_account (login);

      CREATE TABLE sign_up (
        id text NOT NULL PRIMARY KEY,
        login text NOT NULL,
        email text NOT NULL,
        language text NOT NULL
          CONSTRAINT sign_up_language CHECK (language IN ('de', 'fr', 'it', 'en')),
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
        quote bytea NOT NULL,
        opens_account bigint NOT NULL
          CONSTRAINT sign_up_opens_account CHECK (opens_account IN (0, 1)),
        password_hash text,
        state text NOT NULL
          CONSTRAINT sign_up_state
            CHECK (state IN ('AWAITING_CODE', 'OPENING', 'COMPLETE', 'CLOSED')),
        code_generation bigint NOT NULL
          CONSTRAINT sign_up_code_generation CHECK (code_generation >= 1),
        code_issued_us bigint NOT NULL,
        code_wrong_attempts bigint NOT NULL
          CONSTRAINT sign_up_code_wrong_attempts CHECK (code_wrong_attempts >= 0),
        user_id text,
        organization_id text,
        order_id text,
        created_us bigint NOT NULL,
        CONSTRAINT sign_up_made CHECK (
          CASE state
            WHEN 'OPENING' THEN user_id IS NOT NULL AND order_id IS NULL
            WHEN 'COMPLETE'
              THEN user_id IS NOT NULL AND organization_id IS NOT NULL AND order_id IS NOT NULL
            ELSE user_id IS NULL AND organization_id IS NULL AND order_id IS NULL
          END),
        CONSTRAINT sign_up_password CHECK (
          (password_hash IS NOT NULL) = (state = 'AWAITING_CODE' AND opens_account = 1))
      );

      CREATE INDEX sign_up_login ON sign_up (login, created_us);
      CREATE INDEX sign_up_created ON sign_up (created_us);
      """

    static let sessions = """
      CREATE TABLE session (
        id text NOT NULL PRIMARY KEY,
        user_id text NOT NULL REFERENCES user_account (id),
        device_name text NOT NULL,
        organization_id text,
        created_us bigint NOT NULL,
        refreshed_us bigint NOT NULL,
        expires_us bigint NOT NULL,
        ended_us bigint
      );

      -- SESSION_USER is a reserved word.
      CREATE INDEX session_by_user ON session (user_id, id);
      CREATE INDEX session_expires ON session (expires_us);

      CREATE TABLE refresh_token (
        token_hash bytea NOT NULL PRIMARY KEY
          CONSTRAINT refresh_token_hash CHECK (length(token_hash) = 32),
        session_id text NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        created_us bigint NOT NULL,
        used_us bigint
      );

      CREATE INDEX refresh_token_session ON refresh_token (session_id);
      CREATE INDEX refresh_token_used ON refresh_token (used_us) WHERE used_us IS NOT NULL;
      """

    static let signInLimits = """
      CREATE TABLE sign_in_failures (
        login_key bytea NOT NULL,
        source_key bytea NOT NULL,
        failures bigint NOT NULL
          CONSTRAINT sign_in_failures_failures CHECK (failures >= 1),
        last_us bigint NOT NULL,
        blocked_until_us bigint NOT NULL,
        PRIMARY KEY (login_key, source_key)
      );

      CREATE INDEX sign_in_failures_last ON sign_in_failures (last_us);

      CREATE TABLE known_source (
        login_key bytea NOT NULL,
        source_key bytea NOT NULL,
        last_us bigint NOT NULL,
        PRIMARY KEY (login_key, source_key)
      );
      """

    static let keys = """
      CREATE TABLE signing_key (
        id text NOT NULL PRIMARY KEY,
        private_key bytea NOT NULL
          CONSTRAINT signing_key_private_key CHECK (length(private_key) = 32),
        created_us bigint NOT NULL,
        expires_us bigint
      );

      CREATE UNIQUE INDEX signing_key_in_use ON signing_key ((expires_us IS NULL))
        WHERE expires_us IS NULL;
      """
  }
}
