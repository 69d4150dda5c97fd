import SQLCore

/// The tables of the conformance suite.
let conformanceMigration = Migration(
  number: 100, name: "create_conformance",
  sqlite: """
    CREATE TABLE parent (id TEXT NOT NULL PRIMARY KEY) STRICT;
    CREATE TABLE child (
      id INTEGER NOT NULL PRIMARY KEY,
      parent_id TEXT NOT NULL REFERENCES parent (id),
      login TEXT,
      amount INTEGER NOT NULL CONSTRAINT child_amount_not_negative CHECK (amount >= 0),
      body BLOB,
      UNIQUE (parent_id, login)
    ) STRICT;
    CREATE TABLE deferred_child (
      id INTEGER NOT NULL PRIMARY KEY,
      parent_id TEXT NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT;
    CREATE UNIQUE INDEX child_login_key ON child (lower(login)) WHERE amount > 1000;
    """,
  postgres: """
    CREATE TABLE parent (id text NOT NULL PRIMARY KEY);
    CREATE TABLE child (
      id bigint NOT NULL PRIMARY KEY,
      parent_id text NOT NULL REFERENCES parent (id),
      login text,
      amount bigint NOT NULL CONSTRAINT child_amount_not_negative CHECK (amount >= 0),
      body bytea,
      UNIQUE (parent_id, login)
    );
    CREATE TABLE deferred_child (
      id bigint NOT NULL PRIMARY KEY,
      parent_id text NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED
    );
    CREATE UNIQUE INDEX child_login_key ON child (lower(login)) WHERE amount > 1000;
    """)
