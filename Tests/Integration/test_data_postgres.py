"""The operator's tools on data that is on a PostgreSQL server, which asks for a password."""

from __future__ import annotations

import hashlib
import subprocess
import threading
import time

import grpc
import pytest
from client import Client, open_account, until
from postgres import PostgresServer
from stack import Stack
from test_data import check, new_id_v7, renew
from test_path import pay_order

EMAIL = "keeper@example.org"
PASSWORD = "only-in-the-environment"
SERVICES = ("identity", "organizations", "shop", "accounting")


@pytest.fixture(scope="module")
def server():
    """A server whose user `keeper` needs a password."""
    own = PostgresServer()
    own.query(f"CREATE ROLE keeper LOGIN CREATEDB PASSWORD '{PASSWORD}'")
    rules = own.folder / "data" / "pg_hba.conf"
    rules.write_text(
        "local all keeper scram-sha-256\n" + rules.read_text(encoding="utf-8"), encoding="utf-8"
    )
    own.query("SELECT pg_reload_conf()")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        yield own
    own.stop()


def url(server: PostgresServer, name: str) -> str:
    return f"postgres://keeper@/{name}?host={server.folder}"


@pytest.fixture(scope="module")
def kept(server, tmp_path_factory):
    """A running stack with a customer who has topped up, paid and renewed."""
    stack = Stack(
        tmp_path_factory.mktemp("kept") / "data", arguments=("--database", url(server, "kept"))
    ).start()
    client, sign_up = open_account(stack, EMAIL, "keeper.ch")
    client.top_up(sign_up.quote.totals.total.minor_units * 3)
    order = pay_order(client, sign_up.order_id)
    renew(client, order.product_ids[0])
    stack.client, stack.order = client, order
    yield stack
    log = stack.log()
    assert stack.stop() == 0, log
    assert PASSWORD not in log


def databases(server: PostgresServer) -> set[str]:
    return {name for (name,) in server.query("SELECT datname FROM pg_database")}


def test_a_running_stack_is_sound_and_can_be_sealed(kept):
    assert kept.command("seal").stdout.startswith("seal 1 of ")
    assert kept.command("seal").stdout == "nothing has changed since the last seal\n"
    report = check(kept)
    assert report.returncode == 0, report.stdout + report.stderr
    assert "note: accounting: 3 ledger entries in 1 chains" in report.stdout
    assert kept.command("dead-letters").stdout == ""


def test_a_backup_of_a_stack_under_load_is_of_one_moment(kept, server, tmp_path):
    """While top-ups and renewals go on: what is restored is sound by itself, and a stack that
    starts on it finishes what was under way and answers as the first one did for what it holds."""
    client: Client = kept.client
    client.top_up(1_000_000)
    stop = threading.Event()
    failures: list[Exception] = []

    def work(number: int) -> None:
        own = Client(kept.channel())
        own.sign_in(EMAIL)
        while not stop.is_set() and not failures:
            try:
                if number == 0:
                    renew(own, kept.order.product_ids[1])
                else:
                    own.top_up(1_000 + number)
            except grpc.RpcError as error:
                # Calls on the same books that collided too often changed nothing.
                if error.code() is not grpc.StatusCode.ABORTED:
                    failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    folders = [tmp_path / f"backup-{number}" for number in range(2)]
    try:
        for folder in folders:
            made = kept.command("backup", str(folder))
            assert made.returncode == 0, made.stdout + made.stderr
            assert PASSWORD not in made.stdout + made.stderr
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures
    assert not [name for name in databases(server) if name.endswith("_verifying")]
    assert {path.stat().st_mode & 0o777 for path in folders[0].rglob("*.dump")} == {0o600}

    for number, folder in enumerate(folders):
        target = url(server, f"restored{number}")
        restored = Stack(tmp_path / f"restored-{number}", arguments=("--database", target))
        put = restored.command("restore", str(folder), "--database", target)
        assert put.returncode == 0, put.stderr
        assert not [name for name in databases(server) if name.endswith("_restoring")]
        report = check(restored)
        assert report.returncode == 0, report.stdout
        assert "note: 1 seals" in report.stdout
    restored.start()
    try:
        copy = Client(restored.channel())
        copy.sign_in(EMAIL)
        held = copy.movements()
        assert sum(m.amount.minor_units for m in held) == copy.balance()
        assert held == client.movements()[-len(held) :]
        # What was under way at the moment of the copy is finished here too.
        name = "restored1_accounting"
        until(lambda: server.query("SELECT count(*) FROM outbox", name) == [["0"]])
        assert server.query("SELECT count(*) FROM payment WHERE state <> 'COMPLETE'", name) == [["0"]]
        copy.top_up(500)
        report = check(restored)
        assert report.returncode == 0, report.stdout
    finally:
        assert restored.stop() == 0, restored.log()


@pytest.fixture(scope="module")
def backup(kept, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup") / "backup"
    made = kept.command("backup", str(folder))
    assert made.returncode == 0, made.stderr
    return folder


def test_a_restore_never_meets_other_data(kept, backup, server, tmp_path):
    before = databases(server)
    stack = Stack(tmp_path / "data")
    over = stack.command("restore", str(backup), "--database", url(server, "kept"))
    assert over.returncode != 0 and "kept_identity is there already" in over.stderr
    bare = stack.command("restore", str(backup))
    assert bare.returncode != 0 and "name the server" in bare.stderr
    secret = stack.command("restore", str(backup), "--database", "postgres://keeper:secret@host")
    assert secret.returncode != 0 and "holds a password" in secret.stderr
    assert "keeper:secret" not in secret.stderr
    assert databases(server) == before
    assert not stack.folder.exists()


def test_a_damaged_backup_is_refused(backup, server, tmp_path):
    before = databases(server)
    path = backup / "shop" / "shop.dump"
    content = path.read_bytes()
    spoilt = bytearray(content)
    spoilt[len(spoilt) // 2] ^= 1
    path.write_bytes(spoilt)
    stack = Stack(tmp_path / "data")
    try:
        put = stack.command("restore", str(backup), "--database", url(server, "damaged"))
    finally:
        path.write_bytes(content)
    assert put.returncode != 0 and "shop/shop.dump is not what was backed up" in put.stderr
    assert databases(server) == before


def test_a_restore_that_fails_in_the_middle_leaves_nothing(backup, server, tmp_path):
    """The manifest fits, and pg_restore does not get to the end."""
    import shutil

    spoilt = tmp_path / "backup"
    shutil.copytree(backup, spoilt)
    path = spoilt / "accounting" / "accounting.dump"
    path.write_bytes(path.read_bytes()[:-1000])
    manifest = spoilt / "manifest"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    line = f"file {digest} {path.stat().st_size} accounting/accounting.dump"
    lines = [line if text.endswith("/accounting.dump") else text for text in lines]
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = databases(server)
    stack = Stack(tmp_path / "data")
    put = stack.command("restore", str(spoilt), "--database", url(server, "halved"))
    assert put.returncode != 0 and "accounting.dump failed" in put.stderr, put.stderr
    assert databases(server) == before
    assert not stack.folder.exists()


def test_a_restore_that_is_killed_is_refused_until_it_is_repeated(backup, server, tmp_path):
    """At any instant either no database has its name or all have; the folder says that something is
    missing, and the same command finishes it."""
    began = time.monotonic()
    whole = Stack(tmp_path / "whole")
    assert whole.command("restore", str(backup), "--database", url(server, "whole")).returncode == 0
    duration = time.monotonic() - began
    tries = 6
    seen = set()
    for number in range(tries):
        target = url(server, f"killed{number}")
        stack = Stack(tmp_path / f"data-{number}")
        process = subprocess.Popen(
            [stack.kontor, "restore", backup, "--database", target, "--data", stack.folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(duration * (number + 0.5) / tries)
        process.kill()
        process.wait()
        names = {f"killed{number}_{service}" for service in SERVICES}
        there = names & databases(server)
        assert there in (set(), names)
        seen.add(bool(there))
        if (stack.folder / "restoring").exists():
            up = stack.command("up")
            assert up.returncode != 0 and "is not finished: repeat it" in up.stderr, up.stderr
        if process.returncode != 0:
            put = stack.command("restore", str(backup), "--database", target)
            assert put.returncode == 0, put.stderr
        assert names <= databases(server)
        assert not (stack.folder / "restoring").exists()
        report = check(stack, "--quiet")
        assert (report.returncode, report.stdout) == (0, ""), report.stdout
    assert not [name for name in databases(server) if name.endswith("_restoring")]
    assert False in seen


def test_a_restore_waits_for_what_a_killed_one_has_the_server_do(backup, server, tmp_path):
    """A server that loses its client finishes the statement first; until then it holds the lock of
    those that make, remove and rename databases."""
    stack = Stack(tmp_path / "data")
    with server.session("SELECT pg_advisory_lock(x'6B6F6E746F73'::bigint)"):
        process = subprocess.Popen(
            [stack.kontor, "restore", backup, "--database", url(server, "waits"),
             "--data", stack.folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until(lambda: server.query("SELECT 1 FROM pg_locks WHERE NOT granted"))
        assert not [name for name in databases(server) if name.startswith("waits")]
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert {f"waits_{service}" for service in SERVICES} <= databases(server)


def test_a_restore_that_lacks_its_last_step_is_finished(backup, server, tmp_path):
    """The databases have their names and the folder is marked still."""
    target = url(server, "last")
    stack = Stack(tmp_path / "data")
    mark = stack.folder / "restoring"
    assert stack.command("restore", str(backup), "--database", target).returncode == 0
    before = databases(server)
    checksum = hashlib.sha256((backup / "manifest").read_bytes()).hexdigest()
    text = f"A restore that is not finished.\nbackup {checksum}\nserver {target}\n"
    mark.write_text(text.replace(checksum, "0" * 64), encoding="utf-8")
    other = stack.command("restore", str(backup), "--database", target)
    assert other.returncode != 0 and "a part of another backup" in other.stderr, other.stderr
    mark.write_text(text, encoding="utf-8")
    put = stack.command("restore", str(backup), "--database", target)
    assert put.returncode == 0, put.stderr
    assert not mark.exists() and databases(server) == before
    assert check(stack, "--quiet").returncode == 0


# What is done to the data, and what the finding names.
TAMPERINGS = {
    "a changed posting": (
        "accounting",
        "ALTER TABLE ledger_posting DISABLE TRIGGER USER;"
        "UPDATE ledger_posting SET amount_minor = amount_minor * 2 WHERE entry_number IN ("
        "SELECT number FROM ledger_entry WHERE sequence = 2)",
        "accounting: ledger_entry",
        "/CHF/2: expected the content that was hashed",
    ),
    "a changed audit entry": (
        "shop",
        "ALTER TABLE audit_entry DISABLE TRIGGER USER;"
        "UPDATE audit_entry SET actor = 'user:nobody' WHERE sequence = 1",
        "shop: audit_entry",
        "/1: expected an unbroken chain: the entry was changed",
    ),
    "an unknown migration": (
        "identity",
        "INSERT INTO schema_migration VALUES (900, 'later', 'x', 1)",
        "identity: schema_migration",
        "migration 900 (later), which this program does not know",
    ),
    "a renewal that the shop does not have": (
        "shop",
        "DELETE FROM product_renewal",
        "accounting: renewal_payment",
        "to be applied in the shop",
    ),
}


def test_what_was_tampered_with_is_named(backup, server, tmp_path):
    target = url(server, "spoilt")
    spoilt = Stack(tmp_path / "spoilt")
    put = spoilt.command("restore", str(backup), "--database", target)
    assert put.returncode == 0, put.stderr
    for service, statements, _, _ in TAMPERINGS.values():
        server.query(statements, f"spoilt_{service}")
    report = check(spoilt, "--quiet")
    assert report.returncode == 1, report.stdout + report.stderr
    for _, _, where, expectation in TAMPERINGS.values():
        assert any(
            line.startswith(where) and expectation in line for line in report.stdout.splitlines()
        ), report.stdout
    # And no backup is made of it.
    made = spoilt.command("backup", str(tmp_path / "copy"))
    assert made.returncode != 0 and "is not sound" in made.stderr
    assert not (tmp_path / "copy").exists()
    assert not [name for name in databases(server) if name.endswith("_verifying")]


def test_a_dead_letter_is_shown_and_replayed_to_a_running_stack(kept, server):
    letter = new_id_v7()
    server.query(
        "INSERT INTO outbox_dead_letter (id, topic, aggregate_id, payload, created_at_us, attempts,"
        f" failed_at_us, last_error) VALUES ('{letter}', 'no.such.topic', 'order:1', '\\x00', 1, 8,"
        " 2, 'refused')",
        "kept_shop",
    )
    listed = kept.command("dead-letters", "list")
    assert listed.stdout == f"shop {letter} no.such.topic order:1, after 8 attempts: refused\n"
    assert f"note: shop: dead letter {letter}" in check(kept).stdout
    assert kept.command("dead-letters", "replay", letter).returncode == 0
    assert kept.command("dead-letters").stdout == ""
    missing = kept.command("dead-letters", "replay", letter)
    assert missing.returncode != 0 and letter in missing.stderr
    # The service has taken it up again.
    until(lambda: server.query("SELECT 1 FROM outbox WHERE attempts > 0", "kept_shop") == [["1"]])
