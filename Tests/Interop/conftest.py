"""Generates the stubs, compiles the C++ peers, starts the servers and makes the certificates."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

import peers  # noqa: E402

peers.generate_python_stubs()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return peers.make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def servers(certificates):
    """Starts each server when it is first asked for, by its name."""
    with peers.Servers(certificates) as running:
        yield running


def pytest_terminal_summary(terminalreporter):
    """Prints what is not run or only in part, and why."""
    import cases

    if not any("test_interop" in str(report.nodeid) for report in terminalreporter.getreports("passed")):
        return
    terminalreporter.section("interoperability cases that are not run")
    for name, reason in cases.NOT_RUN.items():
        terminalreporter.write_line(f"{name}: {reason}")
    for (client, server, name), reason in sorted(cases.not_expressible()):
        terminalreporter.write_line(f"{name}, {client} client, {server} server: {reason}")
    terminalreporter.section("interoperability cases that are run in part")
    for name, reason in cases.WEAKER.items():
        terminalreporter.write_line(f"{name}: {reason}")
