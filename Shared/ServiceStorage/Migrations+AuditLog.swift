internal import SQLCore

/// The database itself keeps the audit log append-only (ORG-8): entries follow one another without a
/// gap, nothing is added to an entry once the chain's head has passed it, and nothing is changed or
/// deleted, except that a personal value and its salt may be erased. A refusal is the trigger's name.
let sealAuditLog = Migration(
  number: 6, name: "seal_audit_log",
  sqlite: """
    CREATE TRIGGER audit_entry_is_next BEFORE INSERT ON audit_entry
    WHEN NEW.sequence <> 1 + COALESCE(
      (SELECT sequence FROM audit_head WHERE organization_id = NEW.organization_id), 0)
    BEGIN SELECT RAISE(ABORT, 'audit_entry_is_next'); END;
    CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit_entry_is_final'); END;
    CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit_entry_stays'); END;

    CREATE TRIGGER audit_field_is_in_time BEFORE INSERT ON audit_field
    WHEN EXISTS (
      SELECT 1 FROM audit_entry e JOIN audit_head h ON h.organization_id = e.organization_id
      WHERE e.number = NEW.entry_number AND h.sequence >= e.sequence)
    BEGIN SELECT RAISE(ABORT, 'audit_field_is_in_time'); END;
    CREATE TRIGGER audit_field_is_only_erased BEFORE UPDATE ON audit_field
    WHEN NOT (
      OLD.commitment IS NOT NULL AND NEW.before_value IS NULL AND NEW.after_value IS NULL
      AND NEW.salt IS NULL AND NEW.entry_number = OLD.entry_number
      AND NEW.position = OLD.position AND NEW.name = OLD.name AND NEW.subject IS OLD.subject
      AND NEW.commitment IS OLD.commitment)
    BEGIN SELECT RAISE(ABORT, 'audit_field_is_only_erased'); END;
    CREATE TRIGGER audit_field_stays BEFORE DELETE ON audit_field
    BEGIN SELECT RAISE(ABORT, 'audit_field_stays'); END;

    CREATE TRIGGER audit_head_is_an_entry BEFORE INSERT ON audit_head
    WHEN NOT EXISTS (
      SELECT 1 FROM audit_entry WHERE organization_id = NEW.organization_id
        AND sequence = NEW.sequence AND hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'audit_head_is_an_entry'); END;
    CREATE TRIGGER audit_head_moves_on BEFORE UPDATE ON audit_head
    WHEN NEW.organization_id <> OLD.organization_id OR NEW.sequence <> OLD.sequence + 1
      OR NOT EXISTS (
        SELECT 1 FROM audit_entry WHERE organization_id = NEW.organization_id
          AND sequence = NEW.sequence AND hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'audit_head_moves_on'); END;
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'audit_head_stays'); END;
    """,
  postgres: """
    CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION USING MESSAGE = TG_NAME; END $$;
    CREATE FUNCTION refuse_audit_gap() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.sequence <> 1 + COALESCE(
          (SELECT sequence FROM audit_head WHERE organization_id = NEW.organization_id), 0)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;
    CREATE FUNCTION refuse_late_audit_field() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (
          SELECT 1 FROM audit_entry e JOIN audit_head h ON h.organization_id = e.organization_id
          WHERE e.number = NEW.entry_number AND h.sequence >= e.sequence)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;
    CREATE FUNCTION refuse_audit_head_without_entry() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT EXISTS (
          SELECT 1 FROM audit_entry WHERE organization_id = NEW.organization_id
            AND sequence = NEW.sequence AND hash = NEW.hash)
        THEN RAISE EXCEPTION USING MESSAGE = TG_NAME; END IF;
        RETURN NEW;
      END $$;

    CREATE TRIGGER audit_entry_is_next BEFORE INSERT ON audit_entry
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_gap();
    CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_entry
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
    CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
    CREATE TRIGGER audit_entry_is_not_emptied BEFORE TRUNCATE ON audit_entry
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

    CREATE TRIGGER audit_field_is_in_time BEFORE INSERT ON audit_field
      FOR EACH ROW EXECUTE FUNCTION refuse_late_audit_field();
    CREATE TRIGGER audit_field_is_only_erased BEFORE UPDATE ON audit_field
      FOR EACH ROW WHEN (NOT (
        OLD.commitment IS NOT NULL AND NEW.before_value IS NULL AND NEW.after_value IS NULL
        AND NEW.salt IS NULL AND NEW.entry_number = OLD.entry_number
        AND NEW.position = OLD.position AND NEW.name = OLD.name
        AND NEW.subject IS NOT DISTINCT FROM OLD.subject
        AND NEW.commitment IS NOT DISTINCT FROM OLD.commitment))
      EXECUTE FUNCTION refuse_audit_change();
    CREATE TRIGGER audit_field_stays BEFORE DELETE ON audit_field
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
    CREATE TRIGGER audit_field_is_not_emptied BEFORE TRUNCATE ON audit_field
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

    CREATE TRIGGER audit_head_is_an_entry BEFORE INSERT OR UPDATE ON audit_head
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_head_without_entry();
    CREATE TRIGGER audit_head_moves_on BEFORE UPDATE ON audit_head
      FOR EACH ROW WHEN (
        NEW.organization_id <> OLD.organization_id OR NEW.sequence <> OLD.sequence + 1)
      EXECUTE FUNCTION refuse_audit_change();
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
    CREATE TRIGGER audit_head_is_not_emptied BEFORE TRUNCATE ON audit_head
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
    """)
