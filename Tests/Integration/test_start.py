"""A service that cannot start says why in one clear line; one that is stopped drains."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading

import grpc
import pytest
from client import Client
from kontor.shop.v1 import catalogue_pb2
from stack import SERVICES, Stack, free_port_range

STORING = [service for service in SERVICES if service != "gateway"]


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """A stack that has run once: its certificates and configuration files are there."""
    stack = Stack(tmp_path_factory.mktemp("configured") / "data").start()
    assert stack.stop() == 0, stack.log()
    return stack


def start(stack: Stack, service: str, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Starts one service with its configuration file and more, which should fail."""
    return subprocess.run(
        [
            stack.kontor.parent / f"kontor-{service}",
            "--configuration",
            stack.folder / "configuration" / f"{service}.conf",
            "--lifeline=false",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **options,
    )


def assert_one_line(answer: subprocess.CompletedProcess, service: str, *words: str) -> None:
    assert answer.returncode == 1, answer
    said = [line for line in answer.stderr.splitlines() if not line.startswith("ts=")]
    assert len(said) == 1, answer.stderr
    assert said[0].startswith(f"kontor-{service}: "), said
    for word in words:
        assert word in said[0], said
    assert "Fatal error" not in answer.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_an_unknown_key_is_named(configured, service):
    assert_one_line(start(configured, service, "--listen.prot=1"), service, "listen.prot")


@pytest.mark.parametrize("service", SERVICES)
def test_a_taken_port_is_named(configured, service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = start(configured, service, f"--listen.port={port}")
    assert_one_line(answer, service, str(port))


@pytest.mark.parametrize("service", SERVICES)
def test_a_missing_certificate_is_named(configured, service):
    answer = start(configured, service, "--tls.certificate=/nowhere/certificate.pem")
    assert_one_line(answer, service, "/nowhere/certificate.pem")


@pytest.mark.parametrize("service", SERVICES)
def test_a_key_of_another_certificate_is_refused(configured, service):
    other = "shop" if service != "shop" else "identity"
    key = configured.folder / "certificates" / f"kontor-{other}.key"
    assert_one_line(start(configured, service, f"--tls.key={key}"), service, str(key))


@pytest.mark.parametrize("service", STORING)
def test_a_file_that_is_no_database_is_refused(configured, service, tmp_path):
    (tmp_path / f"{service}.db").write_bytes(b"this is no database, " * 100)
    answer = start(configured, service, f"--data.folder={tmp_path}")
    assert_one_line(answer, service, f"{service}.db")


@pytest.mark.parametrize("service", STORING)
def test_a_data_folder_that_cannot_be_made_is_named(configured, service):
    answer = start(configured, service, "--data.folder=/proc/nowhere")
    assert_one_line(answer, service, "/proc/nowhere")


@pytest.mark.parametrize("service", SERVICES)
def test_the_environment_configures_and_its_unknown_keys_are_named(configured, service):
    answer = start(
        configured, service, env={"KONTOR_LOG_LEVL": "debug", "PATH": "/usr/bin:/bin"}
    )
    assert_one_line(answer, service, "KONTOR_LOG_LEVL")


@pytest.mark.parametrize("service", SERVICES)
def test_help_lists_the_keys(configured, service):
    answer = start(configured, service, "--help")
    assert answer.returncode == 0
    assert "listen.port" in answer.stdout


def test_the_clock_is_not_moved_outside_development(configured):
    answer = start(
        configured, "shop", "--development.enabled=false", "--development.clock_offset=1d"
    )
    assert_one_line(answer, "shop", "development.clock_offset")


def test_two_stacks_do_not_share_a_folder_or_a_port(stack):
    second = subprocess.run(
        [stack.kontor, "up", "--data", stack.folder, "--port", str(free_port_range(5))],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode != 0
    assert str(stack.process.pid) in second.stderr
    other = subprocess.run(
        [stack.kontor, "up", "--data", f"{stack.folder}-other", "--port", str(stack.port)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert other.returncode != 0
    assert f"port {stack.port}" in other.stderr


def test_a_stop_under_load_ends_calls_with_an_answer_or_unavailable(tmp_path):
    """The stack stops cleanly under load. From outside, a call that broke off and one that found
    nobody look alike: that no accepted call is lost is for RPCTests to show."""
    stack = Stack(tmp_path / "data").start()
    try:
        client = Client(stack.channel())
        client.terms()
        codes: list[grpc.StatusCode] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    client.catalogue.ListPlans(catalogue_pb2.ListPlansRequest(), timeout=20)
                    codes.append(grpc.StatusCode.OK)
                except grpc.RpcError as error:
                    codes.append(error.code())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(codes) < 50:
            stop.wait(0.01)
        assert stack.process is not None
        stack.process.send_signal(signal.SIGTERM)
        assert stack.process.wait(30) == 0
        stop.set()
        for thread in threads:
            thread.join()
        # No other status, such as INTERNAL or CANCELLED, reaches a caller.
        assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, set(codes)
    finally:
        stack.stop()
