"""A server that answers over HTTP/2 whatever a test wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Callable

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

# Seconds without a byte from the client.
PATIENCE = 20

Headers = list[tuple[str, str]]


class Peer:
    """The server's end of one connection; nothing that goes out is checked."""

    def __init__(self, connection: ssl.SSLSocket, settings: dict[int, int]):
        self._socket = connection
        config = h2.config.H2Configuration(
            client_side=False,
            header_encoding="utf-8",
            validate_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values=settings)
            self.h2.decoder.max_allowed_table_size = self.h2.local_settings.header_table_size
        self.h2.initiate_connection()
        self._flush()

    def headers(self, stream: int, headers: Headers, end: bool = False) -> None:
        self.h2.send_headers(stream, headers, end_stream=end)
        self._flush()

    def data(self, stream: int, data: bytes, end: bool = False, pad: int | None = None) -> None:
        """Sends one DATA frame, as soon as the windows have room for it."""
        size = len(data) + (0 if pad is None else 1 + pad)
        while self.h2.local_flow_control_window(stream) < size:
            self._receive()
        self.h2.send_data(stream, data, end_stream=end, pad_length=pad)
        self._flush()

    def reset_by_client(self, stream: int) -> int:
        """The code with which the client resets a stream."""
        while True:
            for event in self._receive():
                if isinstance(event, h2.events.StreamReset) and event.stream_id == stream:
                    return int(event.error_code)

    def pong(self) -> bytes:
        """The payload of the next PING that the client answers."""
        while True:
            for event in self._receive():
                if isinstance(event, h2.events.PingAckReceived):
                    return event.ping_data

    def reset(self, stream: int, code: int) -> None:
        self.say(3, 0, stream, struct.pack(">I", code))

    def say(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Sends one frame as it is, past h2's state."""
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
        self.send(head + payload)

    def send(self, data: bytes) -> None:
        """Sends any bytes inside TLS."""
        self._socket.sendall(data)

    def hang_up(self) -> None:
        """Closes TCP without a word of TLS."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def serve(self, answer: Callable[["Peer", int], None], early: bool) -> None:
        """Lets `answer` answer each request once it has ended, until the client leaves.

        With `early`, each as soon as its headers are there.
        """
        moment = h2.events.RequestReceived if early else h2.events.StreamEnded
        while True:
            for event in self._receive():
                if isinstance(event, moment):
                    answer(self, event.stream_id)
            self._flush()

    def _receive(self) -> list[h2.events.Event]:
        """What comes next; raises where the client has left."""
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the client has left")
        events = self.h2.receive_data(data)
        for event in events:
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self._flush()
        return events

    def _flush(self) -> None:
        self._socket.sendall(self.h2.data_to_send())


class OddServer:
    """Listens while it is entered, each connection on a thread of its own.

    Each connection's requests are answered by the next of `answers`, the last of them again and
    again, with `early` before the request has ended. The first connections, `refusals` of them, are
    closed at once.
    """

    def __init__(
        self,
        certificates: Path,
        *answers: Callable[[Peer, int], None],
        alpn: str = "h2",
        settings: dict[int, int] | None = None,
        refusals: int = 0,
        early: bool = False,
    ):
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(
            certificates / "kontor-gateway.pem", certificates / "kontor-gateway.key"
        )
        self._context.set_alpn_protocols([alpn])
        self._answers = list(answers)
        self._settings = settings or {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._refusals = refusals
        self._early = early
        self.connections = 0
        # Seconds on a clock of its own, at each connection that was closed at once.
        self.refused_at: list[float] = []

    def __enter__(self) -> "OddServer":
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        # Wakes the thread up, which closing alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            if len(self.refused_at) < self._refusals:
                self.refused_at.append(time.monotonic())
                plain.close()
                continue
            answer = self._answers[min(self.connections, len(self._answers) - 1)]
            self.connections += 1
            plain.settimeout(PATIENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(plain, answer), daemon=True).start()

    def _serve(self, plain: socket.socket, answer: Callable[[Peer, int], None]) -> None:
        # The client leaves as it likes, and so do some answers.
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            with self._context.wrap_socket(plain, server_side=True) as connection:
                Peer(connection, self._settings).serve(answer, self._early)
