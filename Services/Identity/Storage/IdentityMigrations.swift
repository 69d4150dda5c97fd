package import SQLCore

/// The tables of identity; the shared ones (operations, outbox) come before them.
package enum IdentityMigrations {
  package static let all = [
    Migration(
      number: 100, name: "create_users_and_sign_ups", sqlite: usersAndSignUps,
      postgres: Postgres.usersAndSignUps),
    Migration(number: 101, name: "create_sessions", sqlite: sessions, postgres: Postgres.sessions),
    Migration(
      number: 102, name: "create_sign_in_limits", sqlite: signInLimits,
      postgres: Postgres.signInLimits),
    Migration(number: 103, name: "create_keys", sqlite: keys, postgres: Postgres.keys),
  ]

  private static let usersAndSignUps = """
    CREATE TABLE user_account (
      id TEXT NOT NULL PRIMARY KEY,
      login TEXT NOT NULL,
      email TEXT NOT NULL,
      given_name TEXT NOT NULL,
      family_name TEXT NOT NULL,
      language TEXT NOT NULL
        CONSTRAINT user_account_language CHECK (language IN ('de', 'fr', 'it', 'en')),
      password_hash TEXT NOT NULL,
      default_organization_id TEXT,
      created_us INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE UNIQUE INDEX user_account_login ON user_account (login);

    CREATE TABLE sign_up (
      id TEXT NOT NULL PRIMARY KEY,
      login TEXT NOT NULL,
      email TEXT NOT NULL,
      language TEXT NOT NULL
        CONSTRAINT sign_up_language CHECK (language IN ('de', 'fr', 'it', 'en')),
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
      quote BLOB NOT NULL,
      opens_account INTEGER NOT NULL
        CONSTRAINT sign_up_opens_account CHECK (opens_account IN (0, 1)),
      password_hash TEXT,
      state TEXT NOT NULL
        CONSTRAINT sign_up_state
          CHECK (state IN ('AWAITING_CODE', 'OPENING', 'COMPLETE', 'CLOSED')),
      code_generation INTEGER NOT NULL
        CONSTRAINT sign_up_code_generation CHECK (code_generation >= 1),
      code_issued_us INTEGER NOT NULL,
      code_wrong_attempts INTEGER NOT NULL
        CONSTRAINT sign_up_code_wrong_attempts CHECK (code_wrong_attempts >= 0),
      user_id TEXT,
      organization_id TEXT,
      order_id TEXT,
      created_us INTEGER NOT NULL,
      CONSTRAINT sign_up_made CHECK (
        CASE state
          WHEN 'OPENING' THEN user_id IS NOT NULL AND order_id IS NULL
          WHEN 'COMPLETE'
            THEN user_id IS NOT NULL AND organization_id IS NOT NULL AND order_id IS NOT NULL
          ELSE user_id IS NULL AND organization_id IS NULL AND order_id IS NULL
        END),
      CONSTRAINT sign_up_password CHECK (
        (password_hash IS NOT NULL) = (state = 'AWAITING_CODE' AND opens_account = 1))
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX sign_up_login ON sign_up (login, created_us);
    CREATE INDEX sign_up_created ON sign_up (created_us);
    """

  private static let sessions = """
    CREATE TABLE session (
      id TEXT NOT NULL PRIMARY KEY,
      user_id TEXT NOT NULL REFERENCES user_account (id),
      device_name TEXT NOT NULL,
      organization_id TEXT,
      created_us INTEGER NOT NULL,
      refreshed_us INTEGER NOT NULL,
      expires_us INTEGER NOT NULL,
      ended_us INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX session_user ON session (user_id, id);
    CREATE INDEX session_expires ON session (expires_us);

    CREATE TABLE refresh_token (
      token_hash BLOB NOT NULL PRIMARY KEY
        CONSTRAINT refresh_token_hash CHECK (length(token_hash) = 32),
      session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
      created_us INTEGER NOT NULL,
      used_us INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX refresh_token_session ON refresh_token (session_id);
    CREATE INDEX refresh_token_used ON refresh_token (used_us) WHERE used_us IS NOT NULL;
    """

  private static let signInLimits = """
    CREATE TABLE sign_in_failures (
      login_key BLOB NOT NULL,
      source_key BLOB NOT NULL,
      failures INTEGER NOT NULL
        CONSTRAINT sign_in_failures_failures CHECK (failures >= 1),
      last_us INTEGER NOT NULL,
      blocked_until_us INTEGER NOT NULL,
      PRIMARY KEY (login_key, source_key)
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX sign_in_failures_last ON sign_in_failures (last_us);

    CREATE TABLE known_source (
      login_key BLOB NOT NULL,
      source_key BLOB NOT NULL,
      last_us INTEGER NOT NULL,
      PRIMARY KEY (login_key, source_key)
    ) STRICT, WITHOUT ROWID;
    """

  private static let keys = """
    CREATE TABLE signing_key (
      id TEXT NOT NULL PRIMARY KEY,
      private_key BLOB NOT NULL
        CONSTRAINT signing_key_private_key CHECK (length(private_key) = 32),
      created_us INTEGER NOT NULL,
      expires_us INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE UNIQUE INDEX signing_key_in_use ON signing_key ((expires_us IS NULL))
      WHERE expires_us IS NULL;
    """
}
