"""Two replicas of every service on one PostgreSQL server, which die or lose the server meanwhile."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from client import Client, failure, money, new_id, open_account, persist, until
from kontor.accounting.v1 import prepaid_pb2
from kontor.shop.v1 import order_pb2
from postgres import PostgresServer
from stack import SERVICES, Stack
from test_kills import walk_the_path


class Replicas:
    """Two stacks on the same databases, as one: calls go to both gateways in turn."""

    def __init__(self, folder, server: PostgresServer):
        self.server = server
        folder.mkdir(parents=True, exist_ok=True)
        secret = folder / "sandbox.secret"
        secret.write_text("shared by both replicas", encoding="utf-8")
        os.environ["KONTOR_ACCOUNTING_SANDBOX_SECRET"] = str(secret)
        try:
            self.stacks = [
                Stack(folder / name, arguments=("--database", server.url)) for name in ("one", "two")
            ]
            self.stacks[1].port += len(SERVICES)
            # Both at once: they make the databases and their tables together.
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda stack: stack.start(), self.stacks))
        finally:
            del os.environ["KONTOR_ACCOUNTING_SANDBOX_SECRET"]

    def wait_until_serving(self) -> None:
        """A client goes on with whoever serves."""

    def mailed_code(self, address: str, timeout: float = 60) -> str:
        """Either replica sends the mail."""

        def code() -> str | None:
            for stack in self.stacks:
                if stack.mails(address):
                    return stack.mailed_code(address)
            return None

        return until(code, timeout)

    def channel(self) -> grpc.Channel:
        addresses = ",".join(f"127.0.0.1:{stack.port}" for stack in self.stacks)
        authorities = b"".join(stack.authority for stack in self.stacks)
        return grpc.secure_channel(
            f"ipv4:{addresses}",
            grpc.ssl_channel_credentials(authorities),
            options=[
                ("grpc.lb_policy_name", "round_robin"),
                ("grpc.ssl_target_name_override", "localhost"),
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.max_reconnect_backoff_ms", 500),
            ],
        )

    def kill_second(self) -> None:
        """SIGKILL for a whole replica, the process that would start it again first."""
        stack = self.stacks[1]
        stack.process.kill()
        for service in SERVICES:
            stack.kill(service)
        stack.process.wait()

    def stop(self) -> None:
        for stack in self.stacks:
            if stack.process.poll() is None:
                assert stack.stop() == 0, stack.log()


def assert_books_balance(server: PostgresServer, walks: int) -> None:
    """What holds of the tables whatever happened; each walk along the path made two invoices."""

    def number(database: str, query: str) -> int:
        return int(server.query(query, f"kontor_{database}")[0][0])

    def accounting(query: str) -> int:
        return number("accounting", query)

    assert accounting("SELECT count(*) FROM ledger_entry") == 3 * walks
    unbalanced = "SELECT 1 FROM ledger_posting GROUP BY entry_number HAVING sum(amount_minor) <> 0"
    assert accounting(f"SELECT count(*) FROM ({unbalanced}) AS x") == 0
    assert (
        accounting(
            """SELECT count(*) FROM (
                  SELECT ledger_number, account, amount_minor FROM ledger_balance
                  UNION ALL SELECT number, 'prepaid.deposits', -deposits_minor FROM ledger
                  UNION ALL SELECT number, 'prepaid.granted', -granted_minor FROM ledger) AS balance
                FULL JOIN (
                  SELECT ledger_number, account, sum(p.amount_minor) AS total
                  FROM ledger_posting p JOIN ledger_entry e ON e.number = p.entry_number
                  GROUP BY ledger_number, account) AS posted
                USING (ledger_number, account)
                WHERE coalesce(amount_minor, 0) <> coalesce(total, 0)"""
        )
        == 0
    )
    numbers = [int(row[0]) for row in server.query("SELECT number FROM invoice", "kontor_accounting")]
    assert sorted(numbers) == list(range(1, 2 * walks + 1))
    assert accounting("SELECT count(*) FROM payment WHERE state <> 'COMPLETE'") == 0
    assert number("shop", "SELECT count(*) FROM shop_order WHERE state <> 'PAID'") == 0
    assert number("shop", "SELECT count(*) FROM shop_order") == walks
    assert number("organizations", "SELECT count(*) FROM organization") == walks
    assert number("identity", "SELECT count(*) FROM sign_up WHERE state <> 'COMPLETE'") == 0
    for database in ("identity", "organizations", "shop", "accounting"):
        assert number(database, "SELECT count(*) FROM outbox_dead_letter") == 0
        until(lambda: number(database, "SELECT count(*) FROM outbox") == 0)  # noqa: B023


def test_a_replica_killed_under_load_costs_nothing(tmp_path_factory):
    server = PostgresServer()
    replicas = Replicas(tmp_path_factory.mktemp("replicas"), server)
    try:
        customers = 6
        steps = itertools.count(1)
        lock = threading.Lock()

        def before_step(step: str) -> None:
            with lock:
                # About the middle, while the others are between and within their steps.
                if next(steps) == customers * 5:
                    replicas.kill_second()

        def walk(number: int) -> None:
            walk_the_path(
                replicas, f"replica-{number}@example.org", f"replica-{number}.ch", before_step
            )

        with ThreadPoolExecutor(customers) as pool:
            list(pool.map(walk, range(customers)))
        assert replicas.stacks[1].process.returncode == -signal.SIGKILL
        assert_books_balance(server, customers)
    finally:
        replicas.stop()
        server.stop()


@pytest.fixture(scope="module")
def server():
    """A server of its own, which tests kill and pause."""
    running = PostgresServer()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def alone(tmp_path_factory, server):
    """A stack on that server, and a customer with money."""
    running = Stack(
        tmp_path_factory.mktemp("alone") / "data", arguments=("--database", server.url)
    ).start()
    client, sign_up = open_account(running, "alone@example.org", "alone.ch")
    client.top_up(sign_up.quote.totals.total.minor_units)
    yield running, client, sign_up
    assert running.stop() == 0, running.log()


def create_top_up() -> prepaid_pb2.CreateTopUpRequest:
    return prepaid_pb2.CreateTopUpRequest(
        request_id=new_id(), amount=money(1_000), method=prepaid_pb2.TOP_UP_METHOD_CARD
    )


def top_ups(server: PostgresServer) -> int:
    return int(server.query("SELECT count(*) FROM top_up", "kontor_accounting")[0][0])


def test_a_server_that_dies_is_unavailable_and_its_return_is_noticed(alone, server):
    _, client, _ = alone
    before = top_ups(server)
    request = create_top_up()
    server.kill()
    with pytest.raises(grpc.RpcError) as error:
        client.top_ups.CreateTopUp(request, **client.auth)
    assert failure(error.value).code == grpc.StatusCode.UNAVAILABLE
    server.start()
    first = persist(client.top_ups.CreateTopUp, request, **client.auth).top_up
    again = persist(client.top_ups.CreateTopUp, request, **client.auth).top_up
    assert first == again
    assert top_ups(server) == before + 1


def test_a_server_killed_while_calls_run_doubles_and_loses_nothing(alone, server):
    _, client, _ = alone
    before = top_ups(server)
    requests = [create_top_up() for _ in range(40)]
    answered = threading.Semaphore(0)

    def call(request: prepaid_pb2.CreateTopUpRequest) -> str:
        answer = persist(client.top_ups.CreateTopUp, request, **client.auth).top_up.top_up_id
        answered.release()
        return answer

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(call, request) for request in requests]
        for _ in range(10):
            assert answered.acquire(timeout=60)
        server.kill()
        server.start()
        found = {answer.result(90) for answer in answers}
    assert len(found) == len(requests)
    assert top_ups(server) == before + len(requests)


def test_a_server_that_says_nothing_delays_and_costs_nothing(alone, server):
    _, client, sign_up = alone
    request = order_pb2.PayOrderRequest(
        request_id=new_id(),
        order_id=sign_up.order_id,
        payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
    )
    server.pause()
    began = time.monotonic()
    try:
        with pytest.raises(grpc.RpcError) as error:
            client.orders.PayOrder(request, metadata=client.auth["metadata"], timeout=2)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - began < 10
    finally:
        server.go_on()
    persist(client.orders.PayOrder, request, **client.auth)
    until(
        lambda: client.orders.GetOrder(
            order_pb2.GetOrderRequest(order_id=sign_up.order_id), **client.auth
        ).order.state
        == order_pb2.ORDER_STATE_PAID
    )
    assert client.balance() == 0
