-- The durable transfer of the accounting service as one function on the server, for pgbench: the same
-- tables with their constraints and triggers, the same rows. What the service does outside of its
-- database (the call, the checks of the message, the keyed hash of the request) is left out.

-- In PL/pgSQL, whose plans are kept: SQL would be parsed at every call.
CREATE FUNCTION time_ordered_id() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_milliseconds text := lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0');
BEGIN
  RETURN overlay(overlay(gen_random_uuid()::text
    PLACING substr(v_milliseconds, 1, 8) || '-' || substr(v_milliseconds, 9, 4) FROM 1 FOR 13)
    PLACING '7' FROM 15 FOR 1);
END $$;

CREATE FUNCTION transfer(p_organization_id text, p_request_id text, p_amount bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := extract(epoch FROM clock_timestamp()) * 1000000;
  v_entry_id text := time_ordered_id();
  v_request_hash bytea := sha256(convert_to(p_organization_id || p_amount, 'UTF8'));
  v_saved_hash bytea;
  v_saved text;
  v_ledger ledger;
  v_entry bigint := nextval('ledger_entry_number');
  v_sequence bigint;
  v_previous bytea;
  v_hash bytea;
  v_number bigint;
  v_last bigint;
BEGIN
  INSERT INTO operation (request_id, scope, method, request_hash, response, created_at_us)
    VALUES (p_request_id, 'service:benchmark', '/benchmark/Transfer', v_request_hash,
      convert_to(v_entry_id, 'UTF8'), v_now)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT request_hash, convert_from(response, 'UTF8') INTO v_saved_hash, v_saved FROM operation
      WHERE request_id = p_request_id AND scope = 'service:benchmark'
        AND method = '/benchmark/Transfer';
    IF v_saved_hash <> v_request_hash THEN RAISE EXCEPTION 'the key was used before'; END IF;
    RETURN v_saved;
  END IF;

  SELECT * INTO v_ledger FROM ledger
    WHERE organization_id = p_organization_id AND currency = 'CHF';
  IF NOT FOUND THEN
    INSERT INTO ledger (organization_id, currency, last_entry, sequence, hash, deposits_minor,
        granted_minor)
      VALUES (p_organization_id, 'CHF', NULL, 0, decode(repeat('00', 32), 'hex'), 0, 0)
      RETURNING * INTO v_ledger;
  END IF;
  v_hash := sha256(v_ledger.hash || convert_to(concat_ws('|', p_organization_id, 'CHF',
    v_ledger.sequence + 1, v_entry_id, 'TOP_UP', v_entry_id, 'Transfer', v_now, 'clearing.sandbox',
    p_amount, 'prepaid.deposits', -p_amount), 'UTF8'));
  INSERT INTO ledger_posting (entry_number, line, account, amount_minor)
    VALUES (v_entry, 0, 'clearing.sandbox', p_amount), (v_entry, 1, 'prepaid.deposits', -p_amount);
  INSERT INTO ledger_entry (number, ledger_number, previous_number, sequence, entry_id, kind,
      reference_id, description, posted_at_us, previous_hash, hash, change_minor, deposits_minor,
      granted_minor)
    VALUES (v_entry, v_ledger.number, v_ledger.last_entry, v_ledger.sequence + 1, v_entry_id,
      'TOP_UP', v_entry_id, 'Transfer', v_now, v_ledger.hash, v_hash, p_amount,
      v_ledger.deposits_minor + p_amount, v_ledger.granted_minor);
  INSERT INTO ledger_balance (ledger_number, account, amount_minor)
    VALUES (v_ledger.number, 'clearing.sandbox', p_amount)
    ON CONFLICT (ledger_number, account)
    DO UPDATE SET amount_minor = ledger_balance.amount_minor + excluded.amount_minor;

  SELECT last_entry, sequence, hash INTO v_last, v_sequence, v_previous FROM audit_head
    WHERE organization_id = p_organization_id;
  IF NOT FOUND THEN
    INSERT INTO audit_head (organization_id, last_entry, sequence, hash)
      VALUES (p_organization_id, NULL, 0, decode(repeat('00', 32), 'hex'))
      RETURNING last_entry, sequence, hash INTO v_last, v_sequence, v_previous;
  END IF;
  v_sequence := v_sequence + 1;
  v_hash := sha256(v_previous
    || convert_to(concat_ws('|', p_organization_id, v_sequence, v_now, 'service:benchmark',
      'transfer.made', v_entry_id, 'amount', '1.00'), 'UTF8'));
  v_number := nextval(pg_get_serial_sequence('audit_entry', 'number'));
  INSERT INTO audit_entry (number, previous_number, organization_id, sequence, id, at_us, actor,
      action, target, fields, hash)
    VALUES (v_number, v_last, p_organization_id, v_sequence, time_ordered_id(), v_now, 'service:benchmark',
      'transfer.made', 'entry:' || v_entry_id, '[["amount",null,"1.00"]]', v_hash);

  INSERT INTO outbox (id, topic, aggregate_id, payload, created_at_us, is_head,
      next_attempt_at_us)
    SELECT time_ordered_id(), 'transfer.made', 'entry:' || v_entry_id,
      decode(repeat('01', 64), 'hex'), v_now,
      CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE aggregate_id = 'entry:' || v_entry_id)
        THEN 0 ELSE 1 END, v_now;
  RETURN v_entry_id;
END $$;
