internal import SQLCore

/// An entry of the audit log seals its fields, which come before it, and moves the head of its chain
/// on: what was a statement of its own with two checks (ORG-8). As in the ledger, a trigger refuses by
/// a rollback: where it may only abort, SQLite copies the pages that the statement changes.
let moveAuditHead = Migration(
  number: 7, name: "move_audit_head",
  sqlite: """
    DROP TRIGGER audit_entry_is_next;
    DROP TRIGGER audit_entry_is_final;
    DROP TRIGGER audit_entry_stays;
    DROP TRIGGER audit_field_is_in_time;
    DROP TRIGGER audit_field_is_only_erased;
    DROP TRIGGER audit_field_stays;
    DROP TRIGGER audit_head_is_an_entry;
    DROP TRIGGER audit_head_moves_on;
    DROP TRIGGER audit_head_stays;

    DROP INDEX audit_field_subject;
    ALTER TABLE audit_field RENAME TO former_audit_field;
    CREATE TABLE audit_field (
      entry_number INTEGER NOT NULL,
      position INTEGER NOT NULL,
      name TEXT NOT NULL,
      before_value TEXT,
      after_value TEXT,
      subject TEXT,
      salt BLOB,
      commitment BLOB
        CONSTRAINT audit_field_commitment_length CHECK (length(commitment) = 32),
      PRIMARY KEY (entry_number, position)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO audit_field (entry_number, position, name, before_value, after_value, subject, salt,
      commitment)
    SELECT entry_number, position, name, before_value, after_value, subject, salt, commitment
    FROM former_audit_field ORDER BY entry_number, position;
    DROP TABLE former_audit_field;
    CREATE INDEX audit_field_subject ON audit_field (subject) WHERE subject IS NOT NULL;

    CREATE TRIGGER audit_entry_is_next BEFORE INSERT ON audit_entry
    WHEN NEW.sequence <> 1 + COALESCE(
      (SELECT sequence FROM audit_head WHERE organization_id = NEW.organization_id), 0)
    BEGIN SELECT RAISE(ROLLBACK, 'audit_entry_is_next'); END;
    CREATE TRIGGER audit_entry_makes_head AFTER INSERT ON audit_entry WHEN NEW.sequence = 1
    BEGIN
      INSERT INTO audit_head (organization_id, sequence, hash)
      VALUES (NEW.organization_id, NEW.sequence, NEW.hash);
    END;
    CREATE TRIGGER audit_entry_moves_head AFTER INSERT ON audit_entry WHEN NEW.sequence > 1
    BEGIN
      UPDATE audit_head SET sequence = NEW.sequence, hash = NEW.hash
      WHERE organization_id = NEW.organization_id;
    END;
    CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ROLLBACK, 'audit_entry_is_final'); END;
    CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ROLLBACK, 'audit_entry_stays'); END;

    CREATE TRIGGER audit_field_is_in_time BEFORE INSERT ON audit_field
    WHEN EXISTS (SELECT 1 FROM audit_entry WHERE number = NEW.entry_number)
    BEGIN SELECT RAISE(ROLLBACK, 'audit_field_is_in_time'); END;
    CREATE TRIGGER audit_field_is_only_erased BEFORE UPDATE ON audit_field
    WHEN NOT (
      OLD.commitment IS NOT NULL AND NEW.before_value IS NULL AND NEW.after_value IS NULL
      AND NEW.salt IS NULL AND NEW.entry_number = OLD.entry_number
      AND NEW.position = OLD.position AND NEW.name = OLD.name AND NEW.subject IS OLD.subject
      AND NEW.commitment IS OLD.commitment)
    BEGIN SELECT RAISE(ROLLBACK, 'audit_field_is_only_erased'); END;
    CREATE TRIGGER audit_field_stays BEFORE DELETE ON audit_field
    BEGIN SELECT RAISE(ROLLBACK, 'audit_field_stays'); END;

    CREATE TRIGGER audit_head_is_an_entry BEFORE INSERT ON audit_head
    WHEN NOT EXISTS (
      SELECT 1 FROM audit_entry WHERE organization_id = NEW.organization_id
        AND sequence = NEW.sequence AND hash = NEW.hash)
    BEGIN SELECT RAISE(ROLLBACK, 'audit_head_is_an_entry'); END;
    CREATE TRIGGER audit_head_moves_on BEFORE UPDATE ON audit_head
    WHEN NEW.organization_id <> OLD.organization_id OR NEW.sequence <> OLD.sequence + 1
      OR NOT EXISTS (
        SELECT 1 FROM audit_entry WHERE organization_id = NEW.organization_id
          AND sequence = NEW.sequence AND hash = NEW.hash)
    BEGIN SELECT RAISE(ROLLBACK, 'audit_head_moves_on'); END;
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ROLLBACK, 'audit_head_stays'); END;
    """,
  postgres: """
    ALTER TABLE audit_field DROP CONSTRAINT audit_field_entry_number_fkey;
    CREATE OR REPLACE FUNCTION refuse_late_audit_field() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT 1 FROM audit_entry WHERE number = NEW.entry_number)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;
    CREATE FUNCTION move_audit_head() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.sequence = 1 THEN
          INSERT INTO audit_head (organization_id, sequence, hash)
          VALUES (NEW.organization_id, NEW.sequence, NEW.hash);
        ELSE
          UPDATE audit_head SET sequence = NEW.sequence, hash = NEW.hash
          WHERE organization_id = NEW.organization_id;
        END IF;
        RETURN NULL;
      END $$;
    CREATE TRIGGER audit_entry_moves_head AFTER INSERT ON audit_entry
      FOR EACH ROW EXECUTE FUNCTION move_audit_head();
    """)
