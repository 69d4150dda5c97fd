"""Starts the stack."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

import stubs  # noqa: E402,F401  (generates the stubs)


@pytest.fixture(scope="session")
def postgres():
    """The PostgreSQL server that tests share; a test that kills it starts its own."""
    from postgres import PostgresServer

    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def stack(request, tmp_path_factory):
    """The stack that tests share, with its data in files and then on PostgreSQL; a test that kills
    or configures starts its own."""
    from stack import Stack

    arguments = ()
    if request.param == "postgres":
        arguments = ("--database", request.getfixturevalue("postgres").url)
    running = Stack(tmp_path_factory.mktemp("stack") / "data", arguments=arguments).start()
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture(scope="session")
def customer(stack):
    """A customer with a pending order and nothing on the prepaid account."""
    from client import open_account

    client, _ = open_account(stack, "shared@example.org", "shared.ch")
    return client
