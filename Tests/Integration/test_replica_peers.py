"""Two replicas of every service as the addresses of one peer: one dies under load, calls go on.

The services' own calls are balanced over both, health-checked, and those that may be repeated
(`idempotency_level`) are: the callers notice nothing, and everything is done once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Client, money, new_id, open_account, until
from kontor.accounting.v1 import prepaid_pb2
from kontor.organizations.v1 import organization_pb2
from postgres import PostgresServer
from stack import SERVICES, Stack

# In the order of their ports behind the gateway's.
BACKENDS = [service for service in SERVICES if service != "gateway"]


@pytest.fixture(scope="module")
def replicas(tmp_path_factory):
    """Two stacks on one PostgreSQL server, with one authority, whose services know both."""
    folder = tmp_path_factory.mktemp("peers")
    server = PostgresServer()
    secret = folder / "sandbox.secret"
    secret.write_text("shared by both replicas", encoding="utf-8")
    arguments = ("--database", server.url, "--log-level", "debug")
    stacks = [Stack(folder / name, arguments=arguments) for name in ("one", "two")]
    stacks[1].port += len(SERVICES)
    certificates = folder / "one" / "certificates"
    (folder / "two").mkdir()
    subprocess.run([stacks[0].kontor, "certificates", certificates], check=True, capture_output=True)
    shutil.copytree(certificates, folder / "two" / "certificates")
    environment = {"KONTOR_ACCOUNTING_SANDBOX_SECRET": str(secret)}
    for place, service in enumerate(BACKENDS):
        addresses = [f"127.0.0.1:{stack.port + 1 + place}" for stack in stacks]
        environment[f"KONTOR_PEERS_{service.upper()}"] = ",".join(addresses)
    os.environ.update(environment)
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda stack: stack.start(), stacks))
        yield stacks, server
    finally:
        for name in environment:
            del os.environ[name]
        for stack in stacks:
            if stack.process is not None and stack.process.poll() is None:
                assert stack.stop() == 0, stack.log()
        server.stop()


def test_a_peer_killed_under_load_costs_no_call(replicas):
    (first, second), server = replicas

    class Mails:
        """Either replica sends the mail."""

        @staticmethod
        def mailed_code(address: str) -> str:
            return until(
                lambda: next(
                    (stack.mailed_code(address) for stack in (first, second) if stack.mails(address)),
                    None,
                ),
                60,
            )

        channel = staticmethod(first.channel)

    client, _ = open_account(Mails, "peers@example.org", "peers.ch")
    before = int(server.query("SELECT count(*) FROM top_up", "kontor_accounting")[0][0])
    answered = threading.Semaphore(0)
    is_over = threading.Event()

    def call() -> list[str]:
        """Makes changes and reads until told to stop; nothing here is tried again."""
        made = []
        while not is_over.is_set():
            request = prepaid_pb2.CreateTopUpRequest(
                request_id=new_id(), amount=money(1_000), method=prepaid_pb2.TOP_UP_METHOD_CARD
            )
            made.append(client.top_ups.CreateTopUp(request, **client.auth).top_up.top_up_id)
            client.organizations.ListOrganizations(
                organization_pb2.ListOrganizationsRequest(), **client.auth
            )
            answered.release()
        return made

    def wait_for(calls: int) -> None:
        for _ in range(calls):
            assert answered.acquire(timeout=60)

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(call) for _ in range(8)]
        try:
            wait_for(40)
            # Each is started again by its stack, and taken back by the callers.
            for service in ("accounting", "organizations", "identity", "accounting"):
                assert second.kill(service)
                wait_for(40)
                second.wait_until_serving()
        finally:
            is_over.set()
        made = [top_up for done in calls for top_up in done.result(60)]
    assert len(set(made)) == len(made)
    after = int(server.query("SELECT count(*) FROM top_up", "kontor_accounting")[0][0])
    assert after == before + len(made)


def test_the_calls_went_to_both(replicas):
    """Or the test above would show nothing."""
    for stack in replicas[0]:
        log = (stack.folder / "logs" / "accounting.log").read_text(encoding="utf-8")
        assert "CreateTopUp" in log, stack.folder
