package import SQLCore

/// The schema of the organizations service; the shared tables come from ServiceStorage.
package enum OrganizationsMigrations {
  package static let all: [Migration] = [createOrganizations]

  private static let createOrganizations = Migration(
    number: 100, name: "create_organizations",
    sqlite: """
      CREATE TABLE organization (
        id TEXT PRIMARY KEY NOT NULL
          CONSTRAINT organization_id_is_uuid CHECK (length(id) = 36),
        display_name TEXT NOT NULL
          CONSTRAINT organization_name_length CHECK (length(display_name) BETWEEN 1 AND 141),
        state TEXT NOT NULL
          CONSTRAINT organization_state_known CHECK (state IN ('ACTIVE', 'CLOSING', 'DELETED')),
        created_at_us INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE membership (
        organization_id TEXT NOT NULL REFERENCES organization (id),
        user_id TEXT NOT NULL
          CONSTRAINT membership_user_is_uuid CHECK (length(user_id) = 36),
        role TEXT NOT NULL
          CONSTRAINT membership_role_known CHECK (role IN ('ADMIN', 'MEMBER')),
        has_billing_rights INTEGER NOT NULL
          CONSTRAINT membership_billing_is_boolean CHECK (has_billing_rights IN (0, 1)),
        is_legal_representative INTEGER NOT NULL
          CONSTRAINT membership_representative_is_boolean
            CHECK (is_legal_representative IN (0, 1)),
        version INTEGER NOT NULL
          CONSTRAINT membership_version_positive CHECK (version >= 1),
        joined_at_us INTEGER NOT NULL,
        PRIMARY KEY (organization_id, user_id),
        CONSTRAINT membership_admin_has_billing_rights
          CHECK (role <> 'ADMIN' OR has_billing_rights = 1)
      ) STRICT, WITHOUT ROWID;

      CREATE INDEX membership_by_user ON membership (user_id, organization_id);

      CREATE TABLE membership_product_grant (
        organization_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        product_id TEXT NOT NULL
          CONSTRAINT membership_product_grant_is_uuid CHECK (length(product_id) = 36),
        PRIMARY KEY (organization_id, user_id, product_id),
        FOREIGN KEY (organization_id, user_id)
          REFERENCES membership (organization_id, user_id) ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      """,
    postgres: """
      CREATE TABLE organization (
        id text PRIMARY KEY NOT NULL
          CONSTRAINT organization_id_is_uuid CHECK (length(id) = 36),
        display_name text NOT NULL
          CONSTRAINT organization_name_length CHECK (length(display_name) BETWEEN 1 AND 141),
        state text NOT NULL
          CONSTRAINT organization_state_known CHECK (state IN ('ACTIVE', 'CLOSING', 'DELETED')),
        created_at_us bigint NOT NULL
      );

      CREATE TABLE membership (
        organization_id text NOT NULL REFERENCES organization (id),
        user_id text NOT NULL
          CONSTRAINT membership_user_is_uuid CHECK (length(user_id) = 36),
        role text NOT NULL
          CONSTRAINT membership_role_known CHECK (role IN ('ADMIN', 'MEMBER')),
        has_billing_rights bigint NOT NULL
          CONSTRAINT membership_billing_is_boolean CHECK (has_billing_rights IN (0, 1)),
        is_legal_representative bigint NOT NULL
          CONSTRAINT membership_representative_is_boolean
            CHECK (is_legal_representative IN (0, 1)),
        version bigint NOT NULL
          CONSTRAINT membership_version_positive CHECK (version >= 1),
        joined_at_us bigint NOT NULL,
        PRIMARY KEY (organization_id, user_id),
        CONSTRAINT membership_admin_has_billing_rights
          CHECK (role <> 'ADMIN' OR has_billing_rights = 1)
      );

      CREATE INDEX membership_by_user ON membership (user_id, organization_id);

      CREATE TABLE membership_product_grant (
        organization_id text NOT NULL,
        user_id text NOT NULL,
        product_id text NOT NULL
          CONSTRAINT membership_product_grant_is_uuid CHECK (length(product_id) = 36),
        PRIMARY KEY (organization_id, user_id, product_id),
        FOREIGN KEY (organization_id, user_id)
          REFERENCES membership (organization_id, user_id) ON DELETE CASCADE
      );
      """)
}
