"""A running service takes new certificates without a restart, and keeps the old ones when the new
ones cannot be used."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Client, until
from stack import Stack


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("certificates") / "data").start()
    try:
        yield stack
    finally:
        assert stack.stop() == 0, stack.log()


def shown(stack: Stack) -> bytes:
    """The certificate that a new connection to the gateway is shown."""
    context = ssl.create_default_context(cadata=stack.authority.decode())
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        with context.wrap_socket(connection) as tls:
            certificate = tls.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def file(stack: Stack, name: str) -> Path:
    return stack.folder / "certificates" / name


def log(stack: Stack, service: str) -> str:
    return (stack.folder / "logs" / f"{service}.log").read_text(encoding="utf-8")


def replace(source: Path, target: Path) -> None:
    """Puts a copy in a file's place at once, as whoever renews certificates should."""
    copy = target.with_suffix(".new")
    shutil.copy(source, copy)
    os.replace(copy, target)


def renew(stack: Stack, folder: Path) -> Path:
    """New certificates of the stack's authority, in a folder of their own."""
    folder.mkdir()
    for name in ("authority.pem", "authority.key"):
        shutil.copy(file(stack, name), folder / name)
    answer = subprocess.run(
        [stack.kontor, "certificates", folder], capture_output=True, text=True, timeout=30, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.mark.parametrize("service", ["gateway", "shop"])
def test_a_renewed_certificate_is_shown_after_sighup(running, tmp_path, service):
    client = Client(running.channel())
    client.terms()
    before = shown(running)
    renewed = renew(running, tmp_path / "renewed")
    loads = log(running, service).count("certificates loaded")
    for suffix in ("key", "pem"):
        replace(renewed / f"kontor-{service}.{suffix}", file(running, f"kontor-{service}.{suffix}"))
    os.kill(running.pid(service), signal.SIGHUP)
    until(lambda: log(running, service).count("certificates loaded") > loads)
    assert (shown(running) == before) == (service != "gateway")
    # The channel's connection is the old one, and goes on; a new one is served as well.
    client.terms()
    Client(running.channel()).terms()


def test_a_broken_certificate_leaves_the_old_one_in_place(running, tmp_path):
    client = Client(running.channel())
    client.terms()
    before = shown(running)
    path = file(running, "kontor-gateway.pem")
    good = path.read_bytes()
    (tmp_path / "broken").write_text("this is no certificate")
    replace(tmp_path / "broken", path)
    os.kill(running.pid("gateway"), signal.SIGHUP)
    until(lambda: "the old ones stay" in log(running, "gateway"))
    said = [line for line in log(running, "gateway").splitlines() if "the old ones stay" in line]
    assert "level=error" in said[0] and str(path) in said[0]
    assert shown(running) == before
    client.terms()
    (tmp_path / "good").write_bytes(good)
    replace(tmp_path / "good", path)
    loads = log(running, "gateway").count("certificates loaded")
    os.kill(running.pid("gateway"), signal.SIGHUP)
    until(lambda: log(running, "gateway").count("certificates loaded") > loads)
    assert shown(running) == before


def test_a_changed_file_is_noticed_without_a_signal(running, tmp_path):
    before = shown(running)
    renewed = renew(running, tmp_path / "renewed")
    for suffix in ("key", "pem"):
        replace(renewed / f"kontor-gateway.{suffix}", file(running, f"kontor-gateway.{suffix}"))
    until(lambda: shown(running) != before)
    Client(running.channel()).terms()
