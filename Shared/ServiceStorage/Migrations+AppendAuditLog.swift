internal import SQLCore

/// The audit log without an index by organization, which took a page of its own for most entries: an
/// entry names the one before it by its number, as in the ledger, and the head of a chain names the
/// last one. A head is made empty and is moved on by entries alone (ORG-8).
///
/// One trigger moves the head on and refuses an entry that moves none: each costs SQLite as much as a
/// small statement.
///
/// Values that identify nobody are part of the entry, in a text of JSON; entries that were there have
/// them beside them (`audit_field`), where personal values are.
///
/// Rows keep their numbers, sequences and hashes. What does not fit together, because somebody changed
/// it, is copied as it is, with a link where there is one backwards, and is found by a check.
let appendAuditLog = Migration(
  number: 8, name: "append_audit_log",
  sqlite: """
    DROP TRIGGER audit_entry_is_next;
    DROP TRIGGER audit_entry_makes_head;
    DROP TRIGGER audit_entry_moves_head;
    DROP TRIGGER audit_entry_is_final;
    DROP TRIGGER audit_entry_stays;
    DROP TRIGGER audit_field_is_in_time;
    DROP TRIGGER audit_head_is_an_entry;
    DROP TRIGGER audit_head_moves_on;
    DROP TRIGGER audit_head_stays;

    ALTER TABLE audit_entry RENAME TO former_audit_entry;
    ALTER TABLE audit_head RENAME TO former_audit_head;
    CREATE TABLE audit_head (
      organization_id TEXT NOT NULL PRIMARY KEY,
      last_entry INTEGER,
      sequence INTEGER NOT NULL,
      hash BLOB NOT NULL CONSTRAINT audit_head_hash_length CHECK (length(hash) = 32)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit_entry (
      number INTEGER NOT NULL PRIMARY KEY,
      previous_number INTEGER
        CONSTRAINT audit_entry_previous CHECK (previous_number < number),
      organization_id TEXT NOT NULL,
      sequence INTEGER NOT NULL
        CONSTRAINT audit_entry_sequence_positive CHECK (sequence > 0),
      id TEXT NOT NULL,
      at_us INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      target TEXT NOT NULL,
      fields TEXT NOT NULL,
      hash BLOB NOT NULL CONSTRAINT audit_entry_hash_length CHECK (length(hash) = 32)
    ) STRICT;
    INSERT INTO audit_head (organization_id, last_entry, sequence, hash)
    SELECT h.organization_id, e.number, h.sequence, h.hash
    FROM former_audit_head h LEFT JOIN former_audit_entry e
      ON e.organization_id = h.organization_id AND e.sequence = h.sequence;
    INSERT INTO audit_entry (number, previous_number, organization_id, sequence, id, at_us, actor,
      action, target, fields, hash)
    SELECT number, CASE WHEN previous < number THEN previous END, organization_id, sequence, id,
      at_us, actor, action, target, '[]', hash
    FROM (
      SELECT *, lag(number) OVER (PARTITION BY organization_id ORDER BY sequence) AS previous
      FROM former_audit_entry)
    ORDER BY number;
    DROP TABLE former_audit_entry;
    DROP TABLE former_audit_head;

    CREATE TRIGGER audit_entry_is_next AFTER INSERT ON audit_entry
    BEGIN
      UPDATE audit_head SET last_entry = NEW.number, sequence = NEW.sequence, hash = NEW.hash
      WHERE organization_id = NEW.organization_id AND sequence = NEW.sequence - 1
        AND last_entry IS NEW.previous_number;
      SELECT RAISE(ROLLBACK, 'audit_entry_is_next') WHERE changes() = 0;
    END;
    CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ROLLBACK, 'audit_entry_is_final'); END;
    CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ROLLBACK, 'audit_entry_stays'); END;
    CREATE TRIGGER audit_field_is_in_time BEFORE INSERT ON audit_field
    WHEN EXISTS (SELECT 1 FROM audit_entry WHERE number = NEW.entry_number)
    BEGIN SELECT RAISE(ROLLBACK, 'audit_field_is_in_time'); END;

    CREATE TRIGGER audit_head_is_empty BEFORE INSERT ON audit_head
    WHEN NOT (NEW.last_entry IS NULL AND NEW.sequence = 0 AND NEW.hash = zeroblob(32))
    BEGIN SELECT RAISE(ROLLBACK, 'audit_head_is_empty'); END;
    CREATE TRIGGER audit_head_follows_entry BEFORE UPDATE ON audit_head
    WHEN NEW.organization_id <> OLD.organization_id OR NEW.sequence <> OLD.sequence + 1
      OR NOT EXISTS (
        SELECT 1 FROM audit_entry
        WHERE number = NEW.last_entry AND organization_id = NEW.organization_id
          AND sequence = NEW.sequence AND hash = NEW.hash)
    BEGIN SELECT RAISE(ROLLBACK, 'audit_head_follows_entry'); END;
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ROLLBACK, 'audit_head_stays'); END;
    """,
  postgres: """
    ALTER TABLE audit_entry DISABLE TRIGGER USER;
    DROP TRIGGER audit_entry_is_next ON audit_entry;
    DROP TRIGGER audit_entry_moves_head ON audit_entry;
    DROP FUNCTION refuse_audit_gap;
    DROP TRIGGER audit_head_is_an_entry ON audit_head;
    DROP TRIGGER audit_head_moves_on ON audit_head;

    ALTER TABLE audit_head ADD COLUMN last_entry bigint;
    UPDATE audit_head h SET last_entry = e.number FROM audit_entry e
    WHERE e.organization_id = h.organization_id AND e.sequence = h.sequence;
    ALTER TABLE audit_entry ADD COLUMN previous_number bigint
      CONSTRAINT audit_entry_previous CHECK (previous_number < number);
    UPDATE audit_entry e SET previous_number = p.previous FROM (
      SELECT number, lag(number) OVER (PARTITION BY organization_id ORDER BY sequence) AS previous
      FROM audit_entry) p
    WHERE p.number = e.number AND p.previous < e.number;
    ALTER TABLE audit_entry ADD COLUMN fields text NOT NULL DEFAULT '[]';
    ALTER TABLE audit_entry ALTER COLUMN fields DROP DEFAULT;
    ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_organization_id_sequence_key;
    ALTER TABLE audit_entry ENABLE TRIGGER USER;

    CREATE OR REPLACE FUNCTION move_audit_head() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE audit_head SET last_entry = NEW.number, sequence = NEW.sequence, hash = NEW.hash
        WHERE organization_id = NEW.organization_id AND sequence = NEW.sequence - 1
          AND last_entry IS NOT DISTINCT FROM NEW.previous_number;
        IF NOT FOUND THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NULL;
      END $$;
    CREATE OR REPLACE FUNCTION refuse_audit_head_without_entry() RETURNS trigger LANGUAGE plpgsql
    AS $$
      BEGIN
        IF NEW.organization_id <> OLD.organization_id OR NEW.sequence <> OLD.sequence + 1
          OR NOT EXISTS (
            SELECT 1 FROM audit_entry
            WHERE number = NEW.last_entry AND organization_id = NEW.organization_id
              AND sequence = NEW.sequence AND hash = NEW.hash)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;
    CREATE TRIGGER audit_entry_is_next AFTER INSERT ON audit_entry
      FOR EACH ROW EXECUTE FUNCTION move_audit_head();
    CREATE TRIGGER audit_head_is_empty BEFORE INSERT ON audit_head
      FOR EACH ROW WHEN (NOT (
        NEW.last_entry IS NULL AND NEW.sequence = 0
        AND NEW.hash = decode(repeat('00', 32), 'hex')))
      EXECUTE FUNCTION refuse_audit_change();
    CREATE TRIGGER audit_head_follows_entry BEFORE UPDATE ON audit_head
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_head_without_entry();
    """)
