"""A client that says over HTTP/2 whatever a test wants, and shows the answer as it came."""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

# Seconds without an answer; a test that waits for nothing waits for a PING instead.
PATIENCE = 20

Headers = list[tuple[str, str]]


def framed(message: bytes, flag: int = 0) -> bytes:
    """A message behind its prefix."""
    return struct.pack(">BI", flag, len(message)) + message


@dataclass
class Answer:
    """What came on one stream."""

    # One list for each HEADERS block, in order; the last one ends the stream or did not come.
    blocks: list[Headers] = field(default_factory=list)
    data: bytes = b""
    has_ended: bool = False
    # The code of RST_STREAM; it may come after the end.
    reset: int | None = None

    def first(self, name: str) -> str | None:
        return next((value for key, value in self.blocks[0] if key == name), None)

    def last(self, name: str) -> str | None:
        return next((value for key, value in self.blocks[-1] if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for block in self.blocks for key, value in block if key == name]

    @property
    def status(self) -> str | None:
        return self.last("grpc-status") if self.blocks else None

    @property
    def is_trailers_only(self) -> bool:
        return len(self.blocks) == 1 and not self.data and self.has_ended

    @property
    def messages(self) -> list[tuple[int, bytes]]:
        """Flags and contents of the messages, none of them cut off."""
        found, rest = [], self.data
        while rest:
            flag, size = struct.unpack(">BI", rest[:5])
            assert len(rest) >= 5 + size, "a message is cut off"
            found.append((flag, rest[5 : 5 + size]))
            rest = rest[5 + size :]
        return found


class Connection:
    """One HTTP/2 connection over TLS; nothing that goes out is checked."""

    def __init__(self, port: int, authority: Path, settings: dict[int, int] | None = None):
        context = ssl.create_default_context(cafile=str(authority))
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname="localhost")
        config = h2.config.H2Configuration(
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=True, initial_values=settings)
            self.h2.decoder.max_allowed_table_size = self.h2.local_settings.header_table_size
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        self.port = port
        self.answers: dict[int, Answer] = {}
        self.is_gone = False
        # The code and the text of the server's GOAWAY.
        self.farewell: int | None = None
        self.farewell_text = b""
        self._pings = 0
        self._acknowledged = 0
        self._send()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self._socket.close()

    def headers(self, path: str, changes: dict[str, str | None] | None = None) -> Headers:
        """The headers of a good call, some of them replaced (None removes) or added."""
        headers = {
            ":method": "POST",
            ":scheme": "https",
            ":path": path,
            ":authority": f"localhost:{self.port}",
            "te": "trailers",
            "content-type": "application/grpc",
            **(changes or {}),
        }
        return [(name, value) for name, value in headers.items() if value is not None]

    def begin(self, headers: Headers, end: bool = False) -> int:
        """Sends a request's headers; the stream's id."""
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, headers, end_stream=end)
        self._send()
        return stream

    def send(self, stream: int, data: bytes, end: bool = False, pad: int | None = None) -> None:
        """Sends one DATA frame, or as many as the windows and the frame size ask for."""
        padding = 0 if pad is None else 1 + pad
        while True:
            room = min(
                self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size
            )
            room = max(room - padding, 0)
            part, data = data[:room], data[room:]
            if part or not data:
                self.h2.send_data(stream, part, end_stream=end and not data, pad_length=pad)
                self._send()
            if not data:
                return
            if not part:
                self.receive()

    def grant(self, stream: int, size: int) -> None:
        """Lets the server send more on a stream."""
        self.h2.increment_flow_control_window(size, stream)
        self._send()

    def change(self, settings: dict[int, int]) -> None:
        """Sends SETTINGS, and waits until the server keeps to them."""
        self.h2.update_settings(settings)
        self.settle()

    def end_of(self, stream: int) -> Answer:
        """The whole answer, or as much as came before a reset or the connection's end."""
        answer = self.answers[stream]
        while not (answer.has_ended or answer.reset is not None or self.is_gone):
            self.receive()
        return answer

    def say(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Sends one frame as it is, past h2's state."""
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
        self._socket.sendall(head + payload)

    def end(self) -> int | None:
        """Waits for the end of the connection; the code of the server's GOAWAY."""
        while not self.is_gone:
            self.receive()
        return self.farewell

    def settle(self) -> None:
        """Waits until the server has looked at everything that was sent."""
        self._pings += 1
        self.h2.ping(struct.pack(">Q", self._pings))
        self._send()
        while self._acknowledged < self._pings and not self.is_gone:
            self.receive()

    def call(
        self,
        path: str,
        *frames: bytes,
        changes: dict[str, str | None] | None = None,
        adding: Headers | None = None,
        end: bool = True,
    ) -> Answer:
        """One call whose body is these DATA frames."""
        stream = self.begin(self.headers(path, changes) + (adding or []), end and not frames)
        for index, frame in enumerate(frames):
            if self.answers[stream].has_ended or self.answers[stream].reset is not None:
                break
            self.send(stream, frame, end=end and index == len(frames) - 1)
        answer = self.end_of(stream)
        self.settle()
        return answer

    def _send(self) -> None:
        self._socket.sendall(self.h2.data_to_send())

    def receive(self) -> None:
        """Takes what comes next."""
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.is_gone = True
            return
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            raise AssertionError(f"the server broke the protocol: {error!r}") from error
        for event in events:
            self._take(event)
        self._send()

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                self.answers[event.stream_id].blocks.append(list(event.headers))
            case h2.events.DataReceived():
                self.answers[event.stream_id].data += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.answers[event.stream_id].has_ended = True
            case h2.events.StreamReset():
                self.answers[event.stream_id].reset = int(event.error_code)
            case h2.events.PingAckReceived():
                self._acknowledged = struct.unpack(">Q", event.ping_data)[0]
            case h2.events.ConnectionTerminated():
                self.farewell = int(event.error_code)
                self.farewell_text = event.additional_data or b""
