"""What HTTP/2 lets a hostile client do, done over TLS to a running gateway: the attacker's connection
ends, the process's memory stays within a bound, and other callers are answered all the while."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from client import Client
from kontor.shop.v1 import catalogue_pb2
from stack import Stack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, _, PING, _, WINDOW_UPDATE, CONTINUATION = range(10)
GOAWAY = 7
END_STREAM, END_HEADERS = 1, 4
ENHANCE_YOUR_CALM = 11
INITIAL_WINDOW_SIZE = 4

# How much the process may grow under any of the attacks: below the 32 MiB that one connection may
# have queued, and far below what each attack is worth.
MEMORY_BOUND_BYTES = 32 * 1024 * 1024
# For the server to end an attacker's connection; its timers for what does not end take 10 s.
PATIENCE = 20


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: str, value: str, index: bool = False) -> bytes:
    """A field with a new name (RFC 7541, 6.2.1 and 6.2.2), short or long."""

    def text(value: str) -> bytes:
        raw = value.encode()
        if len(raw) < 127:
            return bytes([len(raw)]) + raw
        size, prefix = len(raw) - 127, [127]
        while size >= 128:
            prefix.append(size % 128 + 128)
            size //= 128
        return bytes([*prefix, size]) + raw

    return bytes([0x40 if index else 0]) + text(name) + text(value)


REQUEST = b"".join(
    literal(name, value)
    for name, value in [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/kontor.shop.v1.CatalogueService/ListPlans"),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]
)
NOTHING = b"\0\0\0\0\0"


class Attacker:
    """A connection that says what it likes; a thread takes in what the server says."""

    def __init__(
        self, stack: Stack, reads: bool = True, settings: bytes = b"", preface: bool = True
    ):
        context = ssl.create_default_context(cadata=stack.authority.decode())
        context.set_alpn_protocols(["h2"])
        self._socket = socket.create_connection(("127.0.0.1", stack.port), timeout=PATIENCE)
        # Two threads read and write: the TLS object is not made for that, the socket is.
        self._input, self._output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._input, self._output, server_hostname="localhost")
        self._lock = threading.Lock()
        self._handshake()
        self.goaway: int | None = None
        self.resets = 0
        self._ended = threading.Event()
        self._answered: set[int] = set()
        if preface:
            self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings))
        if reads:
            threading.Thread(target=self._read, daemon=True).start()

    def send(self, data: bytes) -> bool:
        """False once the server takes nothing more."""
        try:
            with self._lock:
                self._tls.write(data)
                data = self._output.read()
            self._socket.sendall(data)
            return True
        except OSError:
            return False

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                self._socket.sendall(self._output.read())
                return
            except ssl.SSLWantReadError:
                self._socket.sendall(self._output.read())
                self._input.write(self._socket.recv(65_536))

    def _plaintext(self) -> bytes:
        """What came since; nothing at the end."""
        while received := self._socket.recv(65_536):
            with self._lock:
                self._input.write(received)
                taken = b""
                with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                    while part := self._tls.read(65_536):
                        taken += part
            if taken:
                return taken
        return b""

    def be_patient_for(self, seconds: float) -> None:
        self._socket.settimeout(seconds)

    def flood(self, data: bytes, count: int) -> None:
        """Sends the same again and again, until the server has had enough."""
        batch = data * 100
        for _ in range(count // 100):
            if self._ended.is_set() or not self.send(batch):
                return

    def _read(self) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while received := self._plaintext():
                held += received
                while len(held) >= 9 and len(held) >= 9 + (size := int.from_bytes(held[:3], "big")):
                    kind, payload = held[3], held[9 : 9 + size]
                    stream = int.from_bytes(held[5:9], "big")
                    held = held[9 + size :]
                    if kind == GOAWAY:
                        self.goaway = int.from_bytes(payload[4:8], "big")
                    elif kind == RST_STREAM:
                        self.resets += 1
                    elif kind == HEADERS:
                        self._answered.add(stream)
        self._ended.set()

    def ends(self) -> bool:
        return self._ended.wait(PATIENCE)

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def answers(self, stream: int) -> bool:
        """Waits for headers on a stream."""
        deadline = time.monotonic() + PATIENCE
        while stream not in self._answered and time.monotonic() < deadline:
            time.sleep(0.01)
        return stream in self._answered

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()


def resident_bytes(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("a process without memory")


class Bystander:
    """Calls on a connection of its own, one after the other, until it is stopped."""

    def __init__(self, stack: Stack):
        self.answers = 0
        self.failures: list[grpc.StatusCode] = []
        self._stop = threading.Event()
        self._client = Client(stack.channel())
        self._client.terms()
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def _call(self) -> None:
        while not self._stop.is_set():
            try:
                self._client.catalogue.ListPlans(catalogue_pb2.ListPlansRequest(), timeout=PATIENCE)
                self.answers += 1
            except grpc.RpcError as error:
                self.failures.append(error.code())

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    """A stack of its own: what is attacked stores nothing."""
    running = Stack(tmp_path_factory.mktemp("abuse") / "data").start()
    try:
        yield running
    finally:
        assert running.stop() == 0, running.log()


@pytest.fixture
def under_attack(stack) -> Iterator[Callable[..., Attacker]]:
    """Makes attackers; checks memory and a bystander's calls when the test is over."""
    process = stack.pid("gateway")
    bystander = Bystander(stack)
    before = resident_bytes(process)
    attackers: list[Attacker] = []

    def attack(**options) -> Attacker:
        attackers.append(Attacker(stack, **options))
        return attackers[-1]

    try:
        yield attack
        grown = resident_bytes(process) - before
        seen = bystander.answers
        deadline = time.monotonic() + PATIENCE
        while bystander.answers < seen + 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        bystander.stop()
        for attacker in attackers:
            attacker.close()
    assert bystander.failures == []
    assert bystander.answers >= seen + 2
    assert stack.pid("gateway") == process, "the gateway was started again"
    assert grown < MEMORY_BOUND_BYTES, f"{grown} bytes"


def test_rapid_reset(under_attack):
    attacker = under_attack()
    for index in range(20_000):
        request = frame(HEADERS, END_HEADERS | END_STREAM, 2 * index + 1, REQUEST)
        if not attacker.send(request + frame(RST_STREAM, 0, 2 * index + 1, struct.pack(">I", 8))):
            break
    assert attacker.ends()
    assert attacker.goaway == ENHANCE_YOUR_CALM


def test_streams_that_the_server_is_made_to_reset(under_attack):
    attacker = under_attack()
    for index in range(20_000):
        request = frame(HEADERS, END_HEADERS, 2 * index + 1, REQUEST)
        overflow = frame(WINDOW_UPDATE, 0, 2 * index + 1, struct.pack(">I", 2**31 - 1))
        if not attacker.send(request + overflow):
            break
    assert attacker.ends()
    assert attacker.goaway == ENHANCE_YOUR_CALM


@pytest.mark.parametrize("fragment", [b"", literal("x", "y")])
def test_a_flood_of_continuation(under_attack, fragment):
    attacker = under_attack()
    attacker.send(frame(HEADERS, 0, 1, REQUEST))
    attacker.flood(frame(CONTINUATION, 0, 1, fragment), 200_000)
    assert attacker.ends()


def test_a_header_list_that_unpacks_to_thousands_of_times_its_size(under_attack):
    attacker = under_attack()
    # One entry of 4 000 bytes, then one byte for each copy of it (RFC 7541, 6.1).
    bomb = literal("x-bomb", "x" * 4000, index=True) + b"\xbe" * 12_000
    attacker.send(frame(HEADERS, END_HEADERS, 1, REQUEST + bomb))
    assert attacker.ends()
    assert attacker.goaway == ENHANCE_YOUR_CALM


FLOODS = {
    "ping": frame(PING, 0, 0, b"12345678"),
    "settings": frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 65_535)),
    "empty settings": frame(SETTINGS, 0, 0),
    "window update": frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
    "priority": frame(PRIORITY, 0, 1, struct.pack(">IB", 3, 1)),
    "empty data": frame(DATA, 0, 1),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_frames_without_progress(under_attack, name):
    attacker = under_attack()
    attacker.send(frame(HEADERS, END_HEADERS, 1, REQUEST))
    attacker.flood(FLOODS[name], 200_000)
    assert attacker.ends()
    assert attacker.goaway == ENHANCE_YOUR_CALM


def test_answers_that_no_window_lets_out(under_attack):
    settings = struct.pack(">HI", INITIAL_WINDOW_SIZE, 0)
    for _ in range(10):
        attacker = under_attack(settings=settings)
        for index in range(100):
            request = frame(HEADERS, END_HEADERS, 2 * index + 1, REQUEST)
            attacker.send(request + frame(DATA, END_STREAM, 2 * index + 1, NOTHING))
        # The next ones are refused: no window, no room.
        for index in range(100, 120):
            request = frame(HEADERS, END_HEADERS, 2 * index + 1, REQUEST)
            attacker.send(request + frame(DATA, END_STREAM, 2 * index + 1, NOTHING))
    deadline = time.monotonic() + PATIENCE
    while attacker.resets < 20 and attacker.goaway is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert attacker.resets >= 20 or attacker.goaway is not None


def test_a_reader_that_does_not_read(under_attack):
    settings = struct.pack(">HI", INITIAL_WINDOW_SIZE, 2**31 - 1)
    attacker = under_attack(reads=False, settings=settings)
    attacker.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 70_000)))
    attacker.be_patient_for(5)
    for index in range(20_000):
        request = frame(HEADERS, END_HEADERS, 2 * index + 1, REQUEST)
        if not attacker.send(request + frame(DATA, END_STREAM, 2 * index + 1, NOTHING)):
            break


def test_requests_that_do_not_end(under_attack):
    """A message of 4 MiB less a byte on each of a hundred streams, beyond every window."""
    attacker = under_attack()
    size = 4 * 1024 * 1024
    for index in range(100):
        attacker.send(frame(HEADERS, END_HEADERS, 2 * index + 1, REQUEST))
        attacker.send(frame(DATA, 0, 2 * index + 1, b"\0" + struct.pack(">I", size)))
    attacker.be_patient_for(2)
    piece = bytes(16_384)
    for index in range(100):
        for _ in range(60):
            if not attacker.send(frame(DATA, 0, 2 * index + 1, piece)):
                return


def test_requests_that_wait_for_their_share(under_attack):
    """As far as the windows go: four messages have a share of the budget, the others wait."""
    attackers = [under_attack() for _ in range(3)]
    size = 4 * 1024 * 1024
    for attacker in attackers:
        for index in range(100):
            attacker.send(frame(HEADERS, END_HEADERS, 2 * index + 1, REQUEST))
            prefix = b"\0" + struct.pack(">I", size)
            attacker.send(frame(DATA, 0, 2 * index + 1, prefix + bytes(16_000)))
            for _ in range(3):
                attacker.send(frame(DATA, 0, 2 * index + 1, bytes(16_000)))
        # A small request among them is answered.
        request = frame(HEADERS, END_HEADERS, 201, REQUEST) + frame(DATA, END_STREAM, 201, NOTHING)
        attacker.send(frame(RST_STREAM, 0, 1, struct.pack(">I", 8)) + request)
        assert attacker.answers(201)
        assert attacker.goaway is None and attacker.resets == 0


@pytest.mark.parametrize("count", [1, 20])
def test_dribbled_prefaces(stack, under_attack, count):
    """Within TLS a byte a second: the time runs from the handshake, whatever comes."""
    attackers = [under_attack(preface=False) for _ in range(count)]
    began = time.monotonic()
    text = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for byte in text:
        alive = [one for one in attackers if not one.has_ended and one.send(bytes([byte]))]
        if not alive:
            break
        time.sleep(1)
    for attacker in attackers:
        assert attacker.ends()
    assert time.monotonic() - began < len(text)


@pytest.mark.parametrize("count", [1, 20])
def test_dribbled_headers(under_attack, count):
    """One header block each, a byte of it a second."""
    attackers = [under_attack() for _ in range(count)]
    began = time.monotonic()
    head = frame(HEADERS, END_HEADERS, 1, REQUEST)[:9]
    for attacker in attackers:
        attacker.send(head)
    for byte in REQUEST:
        alive = [one for one in attackers if not one.has_ended and one.send(bytes([byte]))]
        if not alive:
            break
        time.sleep(1)
    for attacker in attackers:
        assert attacker.ends()
        assert attacker.goaway == ENHANCE_YOUR_CALM
    assert time.monotonic() - began < len(REQUEST)


def test_many_headers_that_stop_before_their_limit(under_attack):
    """Sixteen kilobytes of a block on each of a hundred connections, and then nothing."""
    attackers = [under_attack() for _ in range(100)]
    block = REQUEST + literal("x", "y" * 15_000)
    for attacker in attackers:
        attacker.send(frame(HEADERS, 0, 1, block))
    for attacker in attackers:
        assert attacker.ends()
        assert attacker.goaway == ENHANCE_YOUR_CALM


def test_connections_that_say_nothing(stack, under_attack):
    with contextlib.ExitStack() as sockets:
        for _ in range(300):
            idle = socket.create_connection(("127.0.0.1", stack.port), timeout=PATIENCE)
            sockets.enter_context(contextlib.closing(idle))
        # The server closes each after its ten seconds for a handshake.
        idle.settimeout(PATIENCE)
        assert idle.recv(1) == b""
