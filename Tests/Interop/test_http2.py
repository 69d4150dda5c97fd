"""HTTP/2 as a hostile or odd client speaks it (RFC 9113), under calls that must not suffer."""

from __future__ import annotations

import struct

import pytest
from h2.settings import SettingCodes
from interop_stubs import messages_pb2

from wire import Answer, Connection, framed

SERVICE = "/grpc.testing.TestService/"
EMPTY, UNARY = SERVICE + "EmptyCall", SERVICE + "UnaryCall"
UPLOAD, DOWNLOAD = SERVICE + "StreamingInputCall", SERVICE + "StreamingOutputCall"
DUPLEX = SERVICE + "FullDuplexCall"
NOTHING = framed(b"")

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE = range(9)
CONTINUATION = 9
NO_ERROR, PROTOCOL_ERROR, _, FLOW_CONTROL_ERROR, _, STREAM_CLOSED, FRAME_SIZE_ERROR = range(7)
REFUSED_STREAM, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 7, 9, 11


@pytest.fixture
def connect(servers):
    """Makes connections; a good call still works on a new one when the test is over."""
    port, authority = servers.port("kontor"), servers.certificates / "authority.pem"
    yield lambda settings=None: Connection(port, authority, settings)
    with Connection(port, authority) as connection:
        assert connection.call(EMPTY, NOTHING).status == "0"


def download(*sizes: int) -> bytes:
    request = messages_pb2.StreamingOutputCallRequest()
    for size in sizes:
        request.response_parameters.add().size = size
    return framed(request.SerializeToString())


def sizes(answer) -> list[int]:
    return [
        len(messages_pb2.StreamingOutputCallResponse.FromString(message).payload.body)
        for _, message in answer.messages
    ]


# --- What a client may ask for -----------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {SettingCodes.INITIAL_WINDOW_SIZE: 1},
        {SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1},
        {SettingCodes.HEADER_TABLE_SIZE: 0},
        {SettingCodes.HEADER_TABLE_SIZE: 65_536},
        {SettingCodes.MAX_FRAME_SIZE: 2**24 - 1},
        {SettingCodes.ENABLE_PUSH: 1},
        {SettingCodes.MAX_HEADER_LIST_SIZE: 65_536},
    ],
    ids=lambda settings: " ".join(f"{code.name}={value}" for code, value in settings.items()),
)
def test_every_setting_is_kept(connect, settings):
    """h2 fails on a frame or a header block that goes beyond what it announced."""
    with connect(settings) as connection:
        for _ in range(3):
            answer = connection.call(DOWNLOAD, download(1, 50, 0, 200))
            assert answer.status == "0" and sizes(answer) == [1, 50, 0, 200]


def test_settings_may_change_under_a_call(connect):
    with connect({SettingCodes.INITIAL_WINDOW_SIZE: 0}) as connection:
        stream = connection.begin(connection.headers(DOWNLOAD))
        connection.send(stream, download(100_000, 5), end=True)
        connection.settle()
        assert not connection.answers[stream].data
        connection.change({SettingCodes.INITIAL_WINDOW_SIZE: 10})
        assert 0 < len(connection.answers[stream].data) <= 20
        connection.change({SettingCodes.INITIAL_WINDOW_SIZE: 1_000_000})
        answer = connection.end_of(stream)
        assert answer.status == "0" and sizes(answer) == [100_000, 5]


def test_the_header_table_may_vanish_and_come_back(connect):
    """RFC 7541, 4.2: the server says so at the beginning of its next block, or h2 fails."""
    with connect() as connection:
        for size in (4096, 0, 65_536, 1, 4096):
            connection.change({SettingCodes.HEADER_TABLE_SIZE: size})
            for _ in range(2):
                answer = connection.call(
                    EMPTY, NOTHING, adding=[("x-grpc-test-echo-initial", "a" * 100)]
                )
                assert answer.status == "0"


def test_padding_is_given_back_to_the_windows(connect):
    """RFC 9113, 6.9.1: it counts, and nobody ever reads it."""
    request = messages_pb2.StreamingInputCallRequest(payload={"body": bytes(10)})
    frame = framed(request.SerializeToString())
    with connect() as connection:
        stream = connection.begin(connection.headers(UPLOAD))
        # Several times the windows of stream and connection.
        for _ in range(2_000):
            connection.send(stream, frame, pad=255)
        connection.send(stream, b"", end=True)
        ((_, message),) = connection.end_of(stream).messages
        answer = messages_pb2.StreamingInputCallResponse.FromString(message)
        assert answer.aggregated_payload_size == 20_000


def test_a_stream_without_a_window_holds_up_nobody_else(connect):
    with connect({SettingCodes.INITIAL_WINDOW_SIZE: 0}) as connection:
        waiting = connection.begin(connection.headers(DOWNLOAD))
        connection.send(waiting, download(70_000), end=True)
        other = connection.begin(connection.headers(DOWNLOAD))
        connection.send(other, download(1000), end=True)
        connection.grant(other, 2000)
        assert sizes(connection.end_of(other)) == [1000]
        assert not connection.answers[waiting].data
        connection.grant(waiting, 100_000)
        assert sizes(connection.end_of(waiting)) == [70_000]


def test_calls_are_independent_of_each_other(connect):
    with connect() as connection:
        streams = [connection.begin(connection.headers(DUPLEX)) for _ in range(20)]
        for stream in reversed(streams):
            connection.send(stream, download(stream))
        for stream in streams:
            connection.send(stream, b"", end=True)
        for stream in streams:
            answer = connection.end_of(stream)
            assert answer.status == "0" and sizes(answer) == [stream]


def test_streams_beyond_a_limit_that_the_client_cannot_know_are_refused(connect):
    """Sent before the server's SETTINGS are read; the others go on."""
    with connect() as connection:
        streams = [connection.begin(connection.headers(DUPLEX)) for _ in range(101)]
        assert connection.end_of(streams[100]).reset == REFUSED_STREAM
        assert connection.h2.remote_settings.max_concurrent_streams == 100
        for stream in streams[:100]:
            connection.send(stream, download(1), end=True)
        for stream in streams[:100]:
            assert connection.end_of(stream).status == "0"
        assert connection.call(EMPTY, NOTHING).status == "0"


def test_streams_beyond_a_limit_that_the_client_knows_end_the_connection(connect):
    with connect() as connection:
        connection.settle()
        limit = connection.h2.remote_settings.max_concurrent_streams
        for _ in range(limit):
            connection.begin(connection.headers(DUPLEX))
        # POST / by the static table: h2 itself would refuse to go on.
        connection.say(HEADERS, 0x4, 2 * limit + 1, b"\x83\x84\x87")
        assert connection.end() == PROTOCOL_ERROR


def test_a_client_that_says_goodbye_gets_its_answers(connect):
    with connect() as connection:
        stream = connection.begin(connection.headers(DUPLEX))
        connection.settle()
        connection.say(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR))
        connection.send(stream, download(7), end=True)
        answer = connection.end_of(stream)
        assert answer.status == "0" and sizes(answer) == [7]


# --- What is let pass --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        (0xFE, 0xFF, 0, b"unknown"),
        (0xFE, 0, 1, b""),
        (SETTINGS, 0, 0, struct.pack(">HI", 0xABCD, 1)),
        (SETTINGS, 0, 0, b""),
        (PRIORITY, 0, 1, struct.pack(">IB", 0, 7)),
        (PRIORITY, 0, 101, struct.pack(">IB", 0, 7)),
        (GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR) + b"debug text"),
        (PING, 0xF0, 0, b"\0" * 8),
        (PING, 0x1, 0, b"nobody's"),
        (GOAWAY, 0, 0, struct.pack(">II", 0, 0xFF)),
        (0x10, 0, 0, struct.pack(">I", 1) + b"u=1"),
        (WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
    ],
    ids=lambda frame: f"type {frame[0]:#x} flags {frame[1]:#x} stream {frame[2]}",
)
def test_frames_that_mean_nothing_are_let_pass(connect, frame):
    with connect() as connection:
        connection.settle()
        stream = connection.begin(connection.headers(DUPLEX))
        connection.say(*frame)
        connection.send(stream, download(3), end=True)
        assert sizes(connection.end_of(stream)) == [3]


def test_a_ping_comes_back_with_its_bytes(connect):
    """h2 gives them to settle(), which waits for them."""
    with connect() as connection:
        connection.settle()
        connection.settle()


def test_trailers_of_a_client_end_its_request(connect):
    """HTTP allows them; gRPC has no use for them."""
    with connect() as connection:
        stream = connection.begin(connection.headers(EMPTY))
        connection.send(stream, NOTHING)
        connection.h2.send_headers(stream, [("x-trailer", "a")], end_stream=True)
        answer = connection.end_of(stream)
        assert answer.status == "0" and answer.messages == [(0, b"")]


@pytest.mark.parametrize(
    "flags,field",
    [(0x4, b"\0\1x\1a"), (0x5, b"\0\5:path\1/"), (0x5, b"\0\1X\1a")],
    ids=["they do not end it", "a pseudo-header", "a name in upper case"],
)
def test_trailers_that_are_none_end_the_stream(connect, flags, field):
    """RFC 9113, 8.1 and 8.2."""
    with connect() as connection:
        stream = connection.begin(connection.headers(EMPTY))
        connection.say(HEADERS, flags, stream, field)
        assert connection.end_of(stream).reset == PROTOCOL_ERROR
        assert connection.call(EMPTY, NOTHING).status == "0"


@pytest.mark.parametrize("names", [150, 250])
def test_many_short_fields_are_taken_up_to_a_number(connect, names):
    with connect() as connection:
        adding = [("x", "")] * names
        answer = connection.call(EMPTY, NOTHING, adding=adding)
        assert answer.status == ("0" if names < 200 else "8"), answer
        assert connection.call(EMPTY, NOTHING).status == "0"


# --- What ends a stream ------------------------------------------------------------------------


def test_data_after_the_end_is_an_error(connect):
    with connect({SettingCodes.INITIAL_WINDOW_SIZE: 0}) as connection:
        stream = connection.begin(connection.headers(DUPLEX))
        connection.send(stream, download(5), end=True)
        connection.settle()
        connection.say(DATA, 0, stream, NOTHING)
        connection.end_of(stream)
        assert STREAM_CLOSED in (connection.answers[stream].reset, connection.farewell)


def test_a_stream_window_that_overflows_ends_the_stream(connect):
    with connect() as connection:
        stream = connection.begin(connection.headers(DUPLEX))
        connection.say(WINDOW_UPDATE, 0, stream, struct.pack(">I", 2**31 - 1))
        assert connection.end_of(stream).reset == FLOW_CONTROL_ERROR
        assert connection.call(EMPTY, NOTHING).status == "0"


def test_a_window_update_of_nothing_ends_the_stream_or_the_connection(connect):
    with connect() as connection:
        stream = connection.begin(connection.headers(DUPLEX))
        connection.say(WINDOW_UPDATE, 0, stream, struct.pack(">I", 0))
        connection.end_of(stream)
        assert PROTOCOL_ERROR in (connection.answers[stream].reset, connection.farewell)


def test_a_reset_call_is_forgotten(connect):
    with connect() as connection:
        for _ in range(5):
            stream = connection.begin(connection.headers(DUPLEX))
            connection.send(stream, download(1))
            connection.h2.reset_stream(stream, 8)
            assert connection.call(EMPTY, NOTHING).status == "0"


def test_what_was_on_its_way_to_a_stream_that_the_server_ended_is_let_pass(connect):
    """RFC 9113, 5.1: the client cannot know yet; the field blocks still count for HPACK."""
    with connect() as connection:
        stream = connection.begin(connection.headers(SERVICE + "UnimplementedCall"))
        assert connection.end_of(stream).status == "12"
        connection.settle()
        assert connection.answers[stream].reset == NO_ERROR
        connection.say(DATA, 0, stream, NOTHING)
        connection.say(HEADERS, 0x4 | 0x1, stream, b"\x40\x03x-a\x01b")
        # The block's field is now the newest of HPACK's dynamic table, on both sides.
        connection.h2.encoder.header_table.add(b"x-a", b"b")
        assert connection.call(EMPTY, NOTHING, adding=[("x-a", "b")]).status == "0"


@pytest.mark.parametrize(
    "frame",
    [(PRIORITY, struct.pack(">IB", 0, 7)), (WINDOW_UPDATE, struct.pack(">I", 9)), (RST_STREAM, b"\0\0\0\x08")],
    ids=["PRIORITY", "WINDOW_UPDATE", "RST_STREAM"],
)
def test_what_may_come_late_on_a_stream_is_let_pass(connect, frame):
    with connect() as connection:
        assert connection.call(EMPTY, NOTHING).status == "0"
        kind, payload = frame
        connection.say(kind, 0, 1, payload)
        assert connection.call(EMPTY, NOTHING).status == "0"


# --- What ends the connection ------------------------------------------------------------------


# POST / over https to a, by HPACK's static table.
ROOT = b"\x83\x84\x87\x01\x01a"


@pytest.mark.parametrize(
    "frame", [(DATA, 0, b"late"), (DATA, 1, b""), (HEADERS, 0x5, ROOT)], ids=lambda frame: f"{frame}"
)
@pytest.mark.parametrize("is_reset", [True, False])
def test_a_stream_that_the_client_has_ended_brings_nothing_more(connect, is_reset, frame):
    kind, flags, payload = frame
    with connect() as connection:
        if is_reset:
            stream = connection.begin(connection.headers(DUPLEX))
            connection.say(RST_STREAM, 0, stream, struct.pack(">I", 8))
        else:
            assert connection.call(EMPTY, NOTHING).status == "0"
            stream = 1
        connection.say(kind, flags, stream, payload)
        assert connection.end() == STREAM_CLOSED


def test_a_stream_that_was_left_out_cannot_be_begun_later(connect):
    with connect() as connection:
        connection.settle()
        connection.say(HEADERS, 0x4, 5, ROOT)
        connection.say(HEADERS, 0x4, 3, ROOT)
        assert connection.end() == PROTOCOL_ERROR


@pytest.mark.parametrize(
    "frame,code",
    [
        ((DATA, 0, 0, b"x"), PROTOCOL_ERROR),
        ((DATA, 0, 9, b"x"), PROTOCOL_ERROR),
        ((DATA, 0x8, 1, b"\x05abc"), PROTOCOL_ERROR),
        ((HEADERS, 0x4, 0, b""), PROTOCOL_ERROR),
        ((HEADERS, 0x4, 2, b"\x82"), PROTOCOL_ERROR),
        ((HEADERS, 0x4, 3, b"\x40"), 9),
        ((HEADERS, 0x4, 3, b"\xff\xff\xff\xff\xff\xff"), 9),
        ((CONTINUATION, 0x4, 1, b""), PROTOCOL_ERROR),
        ((RST_STREAM, 0, 0, b"\0" * 4), PROTOCOL_ERROR),
        ((RST_STREAM, 0, 99, b"\0" * 4), PROTOCOL_ERROR),
        ((RST_STREAM, 0, 1, b"\0" * 3), FRAME_SIZE_ERROR),
        ((SETTINGS, 0, 1, b""), PROTOCOL_ERROR),
        ((SETTINGS, 0, 0, b"\0" * 5), FRAME_SIZE_ERROR),
        ((SETTINGS, 1, 0, b"\0" * 6), FRAME_SIZE_ERROR),
        ((SETTINGS, 0, 0, struct.pack(">HI", 2, 2)), PROTOCOL_ERROR),
        ((SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31)), FLOW_CONTROL_ERROR),
        ((SETTINGS, 0, 0, struct.pack(">HI", 5, 100)), PROTOCOL_ERROR),
        ((PUSH_PROMISE, 0x4, 1, struct.pack(">I", 2)), PROTOCOL_ERROR),
        ((PRIORITY, 0, 0, struct.pack(">IB", 1, 7)), PROTOCOL_ERROR),
        ((PING, 0, 1, b"\0" * 8), PROTOCOL_ERROR),
        ((PING, 0, 0, b"\0" * 7), FRAME_SIZE_ERROR),
        ((GOAWAY, 0, 1, b"\0" * 8), PROTOCOL_ERROR),
        ((WINDOW_UPDATE, 0, 0, struct.pack(">I", 0)), PROTOCOL_ERROR),
        ((WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)), FLOW_CONTROL_ERROR),
        ((WINDOW_UPDATE, 0, 0, b"\0" * 3), FRAME_SIZE_ERROR),
        ((DATA, 0, 1, b"x" * 20_000), FRAME_SIZE_ERROR),
    ],
    ids=lambda value: f"type {value[0]} flags {value[1]:#x} stream {value[2]} {value[3][:8]!r}"
    if isinstance(value, tuple)
    else str(value),
)
def test_what_breaks_the_connection_ends_it_with_a_reason(connect, frame, code):
    """RFC 9113, 5.4.1; the codes are those that the frame's section names."""
    with connect() as connection:
        connection.begin(connection.headers(DUPLEX))
        connection.settle()
        connection.say(*frame)
        assert connection.end() == code


# A good header block of a call, most of it in literals.
CALL = (
    b"\x83\x87\x00\x05:path" + bytes([len(EMPTY)]) + EMPTY.encode() + b"\x01\x09localhost"
    b"\x00\x02te\x08trailers\x0f\x10\x10application/grpc"
)


@pytest.mark.parametrize(
    "frames,code",
    [
        ([(HEADERS, 0, CALL[:9]), (PRIORITY, 0, b"\0\0\0\0\7")], PROTOCOL_ERROR),
        ([(HEADERS, 0, CALL[:9]), (HEADERS, 0x4, CALL)], PROTOCOL_ERROR),
        ([(HEADERS, 0, CALL[:9]), (DATA, 0, b"")], PROTOCOL_ERROR),
        ([(HEADERS, 0, CALL[:9]), (0xFE, 0, b"")], PROTOCOL_ERROR),
        ([(HEADERS, 0x4, CALL), (CONTINUATION, 0x4, b"")], PROTOCOL_ERROR),
        ([(HEADERS, 0, CALL), (CONTINUATION, 0x4, b""), (CONTINUATION, 0x4, b"")], PROTOCOL_ERROR),
        ([(HEADERS, 0x4, CALL), (DATA, 0, b""), (CONTINUATION, 0x4, b"")], PROTOCOL_ERROR),
        ([(HEADERS, 0x4, CALL + bytes(16_384))], FRAME_SIZE_ERROR),
        ([(HEADERS, 0xC, b"\xff" + CALL)], PROTOCOL_ERROR),
        ([(HEADERS, 0x24, b"\0\0\0\3\7" + CALL)], PROTOCOL_ERROR),
        ([(PRIORITY, 0, b"\0\0\0\3\7")], PROTOCOL_ERROR),
        ([(PRIORITY, 0, b"\0\0\0\0")], FRAME_SIZE_ERROR),
        ([(WINDOW_UPDATE, 0, b"\0\0\0\1")], PROTOCOL_ERROR),
        ([(HEADERS, 0x4, b"\x80")], COMPRESSION_ERROR),
        ([(HEADERS, 0x4, b"\xff\0")], COMPRESSION_ERROR),
        ([(HEADERS, 0x4, CALL + b"\x20")], COMPRESSION_ERROR),
        ([(HEADERS, 0x4, b"\x3f\xff\xff\x7f" + CALL)], COMPRESSION_ERROR),
        ([(HEADERS, 0x4, CALL + b"\0\3x-a\x84\xff\xff\xff\xff")], COMPRESSION_ERROR),
        ([(HEADERS, 0x4, CALL + b"\0\3x-a\x82\x1f\xff")], COMPRESSION_ERROR),
        ([(HEADERS, 0x4, CALL + b"\0\3x-a\x81\x18")], COMPRESSION_ERROR),
    ],
    ids=[
        "PRIORITY within a block",
        "HEADERS within a block",
        "DATA within a block",
        "a frame of no known type within a block",
        "CONTINUATION after a whole block",
        "CONTINUATION after the last one",
        "CONTINUATION after DATA",
        "HEADERS beyond the frame size",
        "HEADERS with more padding than bytes",
        "HEADERS of a stream that depends on itself",
        "PRIORITY of a stream that depends on itself",
        "PRIORITY that is too short",
        "WINDOW_UPDATE before HEADERS",
        "index 0",
        "an index of no entry",
        "a table size behind fields",
        "a table size beyond the limit",
        "a coded end of string",
        "eight bits of padding in a coded string",
        "zeros as padding in a coded string",
    ],
)
def test_a_header_block_that_is_none_ends_the_connection(connect, frames, code):
    """RFC 9113, 4.3, 5.3.1 and 6; RFC 7541, 4.2, 5.2 and 6."""
    with connect() as connection:
        connection.settle()
        for kind, flags, payload in frames:
            connection.say(kind, flags, 3, payload)
        assert connection.end() == code


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_header_block_may_come_in_pieces_of_any_size(connect, size):
    """Of padded, prioritized HEADERS and of CONTINUATION, some of them empty."""
    with connect() as connection:
        stream = connection.h2.get_next_available_stream_id()
        connection.answers[stream] = Answer()
        # h2 has to know of the stream, but not how it begins.
        connection.h2.send_headers(stream, connection.headers(EMPTY))
        connection.h2.data_to_send()
        pieces = [CALL[start : start + size] for start in range(0, len(CALL), size)]
        # nghttp2 takes eight frames of CONTINUATION.
        pieces = [*pieces[:7], b"".join(pieces[7:])]
        connection.say(
            HEADERS, 0x28, stream, b"\x03" + b"\0\0\0\0\7" + pieces[0] + bytes(3)
        )
        for piece in pieces[1:]:
            connection.say(CONTINUATION, 0, stream, piece)
        connection.say(CONTINUATION, 0x4, stream, b"")
        connection.send(stream, NOTHING, end=True, pad=200)
        answer = connection.end_of(stream)
        assert answer.status == "0" and answer.messages == [(0, b"")]


def test_a_client_that_only_pings_is_sent_away(connect):
    """gRFC A8: ENHANCE_YOUR_CALM, with a word that clients know."""
    with connect() as connection:
        for number in range(20):
            connection.say(PING, 0, 0, struct.pack(">Q", 1000 + number))
        assert connection.end() == ENHANCE_YOUR_CALM
        assert connection.farewell_text == b"too_many_pings"


def test_a_window_that_is_overrun_ends_the_stream(connect):
    """The server cannot send its second answer and so reads no second request."""
    with connect({SettingCodes.INITIAL_WINDOW_SIZE: 0}) as connection:
        stream = connection.begin(connection.headers(DUPLEX))
        connection.send(stream, download(100_000, 1))
        connection.settle()
        window = connection.h2.local_flow_control_window(stream)
        for _ in range(window // 16_000 + 1):
            connection.say(DATA, 0, stream, b"\0\0\0\x3e\x7b" + b"\0" * 15_995)
        connection.end_of(stream)
        assert FLOW_CONTROL_ERROR in (connection.answers[stream].reset, connection.farewell)
