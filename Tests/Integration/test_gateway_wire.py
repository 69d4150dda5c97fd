"""Odd and hostile calls at the gateway, which passes messages on undecoded.

The server itself is tried in Tests/Interop/test_wire.py; this is what differs at the gateway.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import sys

import pytest
from stack import ROOT

sys.path.append(str(ROOT / "Tests" / "Interop"))

from wire import Connection, framed  # noqa: E402

CATALOGUE = "/kontor.shop.v1.CatalogueService/GetCatalogue"
NOTHING = framed(b"")
GZIP = {"grpc-encoding": "gzip"}

# Name: path, body, headers that are other, status.
CALLS = {
    "a good call": (CATALOGUE, NOTHING, {}, "0"),
    "a compressed call": (CATALOGUE, framed(gzip.compress(b""), 1), GZIP, "0"),
    "two messages": (CATALOGUE, NOTHING * 2, {}, "12"),
    "no message": (CATALOGUE, b"", {}, "12"),
    "half a message": (CATALOGUE, b"\0\0\0\0\5ab", {}, "13"),
    "an unknown flag": (CATALOGUE, framed(b"", 2), {}, "13"),
    "bytes that are no message": (CATALOGUE, framed(b"\xff"), {}, "13"),
    "an unknown encoding": (CATALOGUE, NOTHING, {"grpc-encoding": "snappy"}, "12"),
    "bytes that are no gzip": (CATALOGUE, framed(b"nonsense", 1), GZIP, "13"),
    "a bomb": (CATALOGUE, framed(gzip.compress(bytes(1 << 25)), 1), GZIP, "8"),
    "too long a message": (CATALOGUE, b"\0\0\x40\0\1", {}, "8"),
    "a path with a query": (CATALOGUE + "?x", NOTHING, {}, "12"),
    "a path in another case": (CATALOGUE.lower(), NOTHING, {}, "12"),
    "a path of a service alone": ("/kontor.shop.v1.CatalogueService", NOTHING, {}, "12"),
    "a long path": ("/" + "a" * 9000 + "/b", NOTHING, {}, "12"),
    "an internal service": ("/kontor.shop.v1.OrderIntakeService/CreateOrder", NOTHING, {}, "12"),
    "no time left": (CATALOGUE, NOTHING, {"grpc-timeout": "0S"}, "4"),
    "hardly any time left": (CATALOGUE, NOTHING, {"grpc-timeout": "1n"}, "4"),
    "a malformed timeout": (CATALOGUE, NOTHING, {"grpc-timeout": "-1S"}, "13"),
    "te in another case": (CATALOGUE, NOTHING, {"te": "Trailers"}, "0"),
    "a content type in another case": (
        CATALOGUE,
        NOTHING,
        {"content-type": "Application/gRPC+Proto"},
        "0",
    ),
    "metadata of a service": (
        CATALOGUE,
        NOTHING,
        {
            "x-forwarded-for": "192.0.2.1",
            "x-kontor-principal": "root",
            "x-correlation-id": "a b",
            "traceparent": "zz",
        },
        "0",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_at_the_gateway_has_its_status(stack, name):
    path, body, changes, code = CALLS[name]
    with Connection(stack.port, stack.folder / "certificates" / "authority.pem") as connection:
        answer = connection.call(path, *([body] if body else []), changes=changes)
        assert answer.status == code and len(answer.all("grpc-status")) == 1, answer
        assert code == "0" or answer.is_trailers_only
        if code != "0":
            assert len(answer.last("grpc-message") or "") < 2000
        assert not any(key.startswith(("x-kontor-", "x-forwarded-")) for key, _ in answer.blocks[-1])
        assert connection.call(CATALOGUE, NOTHING).status == "0"


def test_an_internal_service_looks_like_none(stack):
    with Connection(stack.port, stack.folder / "certificates" / "authority.pem") as connection:
        internal = connection.call("/kontor.shop.v1.OrderIntakeService/CreateOrder", NOTHING)
        nothing = connection.call("/kontor.shop.v1.NoSuchIntakeService/CreateOrder", NOTHING)
        shown = [
            answer.last("grpc-message").replace(name, "")
            for answer, name in ((internal, "OrderIntake"), (nothing, "NoSuchIntake"))
        ]
        assert internal.status == nothing.status and shown[0] == shown[1]


@pytest.mark.parametrize(
    "changes,status,text",
    [
        ({":method": "GET", "content-type": None}, "405", b"gRPC requests are POST\n"),
        ({":method": "HEAD", "content-type": None}, "405", b""),
        ({":method": "OPTIONS", "content-type": None}, "405", b"gRPC requests are POST\n"),
        ({"content-type": "application/json"}, "415", b"gRPC requests have content type"),
        ({"content-type": "application/grpc-web+proto"}, "415", b"gRPC requests have content type"),
    ],
    ids=["GET", "HEAD", "OPTIONS", "JSON", "gRPC-Web"],
)
def test_a_request_that_is_no_call_is_told_why(stack, changes, status, text):
    with Connection(stack.port, stack.folder / "certificates" / "authority.pem") as connection:
        answer = connection.call("/", b"" if ":method" in changes else b"{}", changes=changes)
        assert answer.first(":status") == status and answer.data.startswith(text), answer
        assert connection.call(CATALOGUE, NOTHING).status == "0"


def test_a_browser_without_https_is_told_to_use_tls(stack):
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: plain.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ") and b"within TLS" in answer


@pytest.mark.parametrize("protocols", [["http/1.1"], []], ids=["HTTP/1.1", "no ALPN"])
def test_a_client_without_http2_is_refused_by_an_alert(stack, protocols):
    authority = stack.folder / "certificates" / "authority.pem"
    context = ssl.create_default_context(cafile=str(authority))
    if protocols:
        context.set_alpn_protocols(protocols)
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as plain:
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            context.wrap_socket(plain, server_hostname="localhost")
