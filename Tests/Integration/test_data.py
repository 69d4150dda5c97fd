"""The operator's tools on stored data: check, seal, backup and restore, dead letters."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from client import Client, new_id, open_account, until
from kontor.accounting.v1 import billing_pb2, prepaid_pb2
from kontor.shop.v1 import order_pb2, product_pb2
from stack import Stack
from test_path import pay_order

EMAIL = "keeper@example.org"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A stack with a customer who has topped up, paid and renewed; then stopped, and sealed."""
    stack = Stack(tmp_path_factory.mktemp("kept") / "data").start()
    client, sign_up = open_account(stack, EMAIL, "keeper.ch")
    client.top_up(sign_up.quote.totals.total.minor_units * 3)
    order = pay_order(client, sign_up.order_id)
    renew(client, order.product_ids[0])
    stack.client, stack.order = client, order
    yield stack
    stack.stop()


def renew(client: Client, product_id: str) -> None:
    items = client.due.ListDueItems(billing_pb2.ListDueItemsRequest(all=True), **client.auth).items
    item = next(item for item in items if item.product_id == product_id)
    quote = client.due.QuoteDueItems(
        billing_pb2.QuoteDueItemsRequest(request_id=new_id(), due_item_ids=[item.due_item_id]),
        **client.auth,
    ).quote
    client.due.PayDueItems(
        billing_pb2.PayDueItemsRequest(
            request_id=new_id(), payment_quote_id=quote.payment_quote_id
        ),
        **client.auth,
    )


def answers(client: Client) -> dict[str, str]:
    """What a customer sees of their data."""
    return {
        "movements": str(client.movements()),
        "balance": str(client.balance()),
        "orders": str(client.orders.ListOrders(order_pb2.ListOrdersRequest(), **client.auth)),
        "products": str(
            client.products.ListProducts(product_pb2.ListProductsRequest(), **client.auth)
        ),
        "invoices": str(
            client.invoices.ListInvoices(billing_pb2.ListInvoicesRequest(), **client.auth)
        ),
    }


def check(stack: Stack, *arguments: str):
    return stack.command("check", *arguments)


def test_a_running_stack_is_sound_and_can_be_sealed(kept):
    sealed = kept.command("seal")
    assert sealed.returncode == 0 and sealed.stdout.startswith("seal 1 of "), sealed
    assert kept.command("seal").stdout == "nothing has changed since the last seal\n"
    report = check(kept)
    assert report.returncode == 0, report.stdout + report.stderr
    assert "note: accounting: 3 ledger entries in 1 chains" in report.stdout
    assert "note: 1 seals" in report.stdout
    assert report.stdout.endswith("sound\n")


def test_a_backup_of_a_stack_under_load_is_of_one_moment(kept, tmp_path):
    """While top-ups and renewals go on: the copy is sound by itself, and a stack that starts on it
    finishes what was under way and answers as the first one did for what it holds."""
    client: Client = kept.client
    client.top_up(1_000_000)
    stop = threading.Event()
    failures: list[Exception] = []

    def work(number: int) -> None:
        own = Client(kept.channel())
        own.sign_in(EMAIL)
        try:
            while not stop.is_set():
                if number == 0:
                    renew(own, kept.order.product_ids[1])
                else:
                    own.top_up(1_000 + number)
        except Exception as error:  # noqa: BLE001 (handed to the test)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    folders = []
    try:
        for number in range(3):
            folders.append(tmp_path / f"backup-{number}")
            made = kept.command("backup", str(folders[-1]))
            assert made.returncode == 0, made.stdout + made.stderr
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures
    again = kept.command("backup", str(folders[0]))
    assert again.returncode != 0 and "exists" in again.stderr

    for number, folder in enumerate(folders):
        restored = Stack(tmp_path / f"restored-{number}")
        put = restored.command("restore", str(folder))
        assert put.returncode == 0, put.stderr
        assert check(restored, "--quiet").stdout == ""
        twice = restored.command("restore", str(folder))
        assert twice.returncode != 0 and "holds data" in twice.stderr
        if number != 2:
            continue
        restored.start()
        try:
            copy = Client(restored.channel())
            copy.sign_in(EMAIL)
            held = copy.movements()
            assert sum(m.amount.minor_units for m in held) == copy.balance()
            assert held == client.movements()[-len(held) :]
            # What was under way at the moment of the copy is finished here too.
            with sqlite3.connect(f"file:{database(restored, 'accounting')}?mode=ro", uri=True) as db:
                until(lambda: db.execute("SELECT count(*) FROM outbox").fetchone() == (0,))
                assert db.execute(
                    "SELECT count(*) FROM payment WHERE state <> 'COMPLETE'"
                ).fetchone() == (0,)
            report = check(restored)
            assert report.returncode == 0, report.stdout
            copy.top_up(500)
        finally:
            assert restored.stop() == 0, restored.log()
        assert check(restored, "--quiet").stdout == ""


def test_a_damaged_backup_is_refused(kept, tmp_path):
    folder = tmp_path / "backup"
    assert kept.command("backup", str(folder)).returncode == 0
    path = folder / "shop" / "shop.db"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    restored = Stack(tmp_path / "restored")
    put = restored.command("restore", str(folder))
    assert put.returncode != 0 and "shop/shop.db is not what was backed up" in put.stderr
    assert not (tmp_path / "restored" / "shop").exists()


def database(stack: Stack, service: str) -> Path:
    return stack.folder / service / f"{service}.db"


def unguarded(stack: Stack, service: str) -> sqlite3.Connection:
    """A service's database without the triggers that keep its rows as they are."""
    connection = sqlite3.connect(database(stack, service))
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert triggers
    for (trigger,) in triggers:
        connection.execute(f"DROP TRIGGER {trigger}")
    return connection


# What is done to the data, and what the finding names.
TAMPERINGS = {
    "a changed posting": (
        "accounting",
        "UPDATE ledger_posting SET amount_minor = amount_minor * 2 WHERE entry_number IN ("
        "SELECT number FROM ledger_entry WHERE sequence = 2)",
        "accounting: ledger_entry",
        "/CHF/2: expected the content that was hashed",
    ),
    "a changed balance": (
        "accounting",
        "UPDATE ledger SET deposits_minor = deposits_minor + 1",
        "accounting: ledger ",
        "/CHF/prepaid.deposits: expected the sum",
    ),
    "a changed movement": (
        "accounting",
        "UPDATE ledger_entry SET deposits_minor = 7 WHERE sequence = 1",
        "accounting: ledger_entry",
        "/CHF/1: expected the statement's line",
    ),
    "an entry that was taken out": (
        "accounting",
        "DELETE FROM ledger_entry WHERE sequence = 2",
        "accounting: ledger_entry",
        "/CHF/2: expected entry 2, found 3",
    ),
    "a changed audit entry": (
        "shop",
        "UPDATE audit_entry SET actor = 'user:nobody' WHERE sequence = 1",
        "shop: audit_entry",
        "/1: expected an unbroken chain: the entry was changed",
    ),
    "an audit log's cut tail, its head moved back": (
        "organizations",
        "DELETE FROM audit_field WHERE entry_number IN (SELECT max(number) FROM audit_entry);"
        "DELETE FROM audit_entry WHERE number IN (SELECT max(number) FROM audit_entry);"
        "DELETE FROM audit_head",
        "organizations: audit_entry",
        "expected the entry that was sealed: the tail was cut",
    ),
    "a missing referred row": (
        "shop",
        "PRAGMA foreign_keys = OFF; DELETE FROM shop_order",
        "shop: product ",
        "expected the row of shop_order that it refers to",
    ),
    "an unknown migration": (
        "identity",
        "INSERT INTO schema_migration VALUES (900, 'later', 'x', 1)",
        "identity: schema_migration",
        "migration 900 (later), which this program does not know",
    ),
    "a charge that the books do not have": (
        "accounting",
        "DELETE FROM order_charge",
        "shop: shop_order",
        "in accounting's books",
    ),
    "a renewal that the shop does not have": (
        "shop",
        "DELETE FROM product_renewal",
        "accounting: renewal_payment",
        "to be applied in the shop",
    ),
    "an outbox without its next": (
        "shop",
        "INSERT INTO outbox (id, topic, aggregate_id, payload, created_at_us, is_head,"
        " next_attempt_at_us) VALUES ('x', 't', 'order:1', x'00', 1, 0, 1)",
        "shop: outbox order:1",
        "to be marked as the next",
    ),
}


@pytest.fixture(scope="module")
def sealed(kept, tmp_path_factory):
    """The folder of the stopped stack, to be copied and spoilt."""
    kept.stop()
    kept.process = None
    report = check(kept, "--quiet")
    assert (report.returncode, report.stdout) == (0, ""), report.stdout
    return kept


@pytest.fixture
def copy(sealed, tmp_path):
    spoilt = Stack(tmp_path / "spoilt")
    shutil.copytree(sealed.folder, spoilt.folder)
    return spoilt


def spoil(stack: Stack, service: str, statements: str) -> None:
    connection = unguarded(stack, service)
    connection.executescript(statements)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_tampered_with_is_named(copy, name):
    service, statements, where, expectation = TAMPERINGS[name]
    spoil(copy, service, statements)
    report = check(copy, "--quiet")
    assert report.returncode == 1, report.stdout + report.stderr
    assert any(
        line.startswith(where) and expectation in line for line in report.stdout.splitlines()
    ), report.stdout


def test_a_ledger_whose_tail_was_cut_together_with_everything_that_shows_it_is_found(copy):
    """All of the last entry is removed and head and balances are moved back: the chain itself is
    whole, and only the seal tells."""
    spoil(
        copy,
        "accounting",
        """
        UPDATE ledger_balance SET amount_minor = amount_minor - (
          SELECT coalesce(sum(p.amount_minor), 0) FROM ledger_posting p
          WHERE p.account = ledger_balance.account
            AND p.entry_number = (SELECT max(number) FROM ledger_entry));
        DELETE FROM ledger_posting WHERE entry_number = (SELECT max(number) FROM ledger_entry);
        UPDATE ledger SET (last_entry, sequence, hash, deposits_minor, granted_minor) = (
          SELECT number, sequence, hash, deposits_minor, granted_minor
          FROM ledger_entry ORDER BY number DESC LIMIT 1 OFFSET 1);
        DELETE FROM ledger_entry WHERE number = (SELECT max(number) FROM ledger_entry);
        """,
    )
    lines = [
        line
        for line in check(copy, "--quiet").stdout.splitlines()
        if line.startswith("accounting: ledger")
    ]
    assert len(lines) == 1 and "expected the entry that was sealed: the tail was cut" in lines[0]


def test_a_chain_that_was_rewritten_as_a_whole_is_found(copy):
    """Content and every hash after it are made new, as one can who knows the program."""
    import hashlib
    import json

    def canonical(*values) -> bytes:
        out = b""
        for value in values:
            if value is None:
                out += b"\0"
            elif isinstance(value, str):
                out += b"\1" + len(value.encode()).to_bytes(8, "big") + value.encode()
            elif isinstance(value, bytes):
                out += b"\2" + len(value).to_bytes(8, "big") + value
            else:
                out += b"\3" + (value % 2**64).to_bytes(8, "big")
        return out

    connection = unguarded(copy, "organizations")
    connection.execute("UPDATE audit_entry SET actor = 'user:nobody' WHERE sequence = 1")
    previous = bytes(32)
    for number, organization, sequence, identifier, at, actor, action, target, plain in connection.execute(
        "SELECT number, organization_id, sequence, id, at_us, actor, action, target, fields"
        " FROM audit_entry ORDER BY sequence"
    ).fetchall():
        fields = [(name, None, before, after, None) for name, before, after in json.loads(plain)]
        for position, *field in connection.execute(
            "SELECT position, name, subject, before_value, after_value, commitment"
            " FROM audit_field WHERE entry_number = ? ORDER BY position",
            (number,),
        ).fetchall():
            fields.insert(position, field)
        content = canonical(
            "kontor.audit.entry.1", previous, organization, sequence, identifier, at, actor, action,
            target, len(fields),
        )
        for name, subject, before, after, commitment in fields:
            values = (commitment,) if commitment is not None else (before, after)
            content += canonical(name, subject, *values)
        previous = hashlib.sha256(content).digest()
        connection.execute("UPDATE audit_entry SET hash = ? WHERE number = ?", (previous, number))
    connection.execute("UPDATE audit_head SET hash = ?", (previous,))
    connection.commit()
    connection.close()
    lines = check(copy, "--quiet").stdout.splitlines()
    assert len(lines) == 1 and "organizations: audit_entry" in lines[0]
    assert "expected the hash that was sealed: the chain was rewritten" in lines[0]


@pytest.mark.parametrize("what", ["a head", "a seal", "a key"])
def test_spoilt_seals_are_found(copy, what):
    path = next((copy.folder / "seals").glob("*.seals"))
    text = path.read_text(encoding="utf-8")
    if what == "a head":
        first = next(line for line in text.splitlines() if line.startswith("head "))
        text = text.replace(first, first[:-1] + ("0" if first[-1] != "0" else "1"))
    elif what == "a seal":
        text = text[text.index("seal 2") :]
    else:
        public = path.with_suffix(".pub")
        public.write_text(public.read_text(encoding="utf-8")[:8] + "0" * 56 + "\n", encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    report = check(copy, "--quiet")
    assert report.returncode == 1 and report.stdout.startswith("seals: "), report.stdout


def test_a_damaged_page_is_named(copy):
    path = database(copy, "accounting")
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 64] = b"\x5a" * 64
    path.write_bytes(content)
    report = check(copy, "--quiet")
    assert report.returncode == 1
    assert "accounting: " in report.stdout, report.stdout


def test_a_dead_letter_is_shown_and_replayed_to_a_running_stack(sealed, tmp_path):
    """A delivery that was given up, as if the shop had refused it; then the shop takes it."""
    stack = Stack(tmp_path / "letters")
    shutil.copytree(sealed.folder, stack.folder)
    letter = new_id_v7()
    connection = sqlite3.connect(database(stack, "shop"))
    connection.execute(
        "INSERT INTO outbox_dead_letter (id, topic, aggregate_id, payload, created_at_us, attempts,"
        " failed_at_us, last_error) VALUES (?, 'no.such.topic', 'order:1', x'00', 1, 8, 2, 'refused')",
        (letter,),
    )
    connection.commit()
    connection.close()
    listed = stack.command("dead-letters", "list")
    assert listed.stdout == f"shop {letter} no.such.topic order:1, after 8 attempts: refused\n"
    assert f"note: shop: dead letter {letter}" in check(stack).stdout
    stack.start()
    try:
        assert stack.command("dead-letters", "replay", letter).returncode == 0
        assert stack.command("dead-letters").stdout == ""
        missing = stack.command("dead-letters", "replay", letter)
        assert missing.returncode != 0 and letter in missing.stderr
        # The service has taken it up again.
        with sqlite3.connect(f"file:{database(stack, 'shop')}?mode=ro", uri=True) as db:
            until(
                lambda: (row := db.execute("SELECT attempts FROM outbox").fetchone()) and row[0] > 0
            )
    finally:
        assert stack.stop() == 0, stack.log()


def new_id_v7() -> str:
    import uuid

    value = bytearray(uuid.uuid4().bytes)
    value[:6] = (1_795_000_000_000).to_bytes(6, "big")
    value[6] = 0x70 | value[6] & 0x0F
    return str(uuid.UUID(bytes=bytes(value)))
