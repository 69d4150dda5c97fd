"""What this runtime's client makes of odd and hostile answers."""

from __future__ import annotations

import gzip
import re
import subprocess

import peers
import pytest
from h2.settings import SettingCodes

from odd_server import OddServer
from wire import framed

BEGIN = [(":status", "200"), ("content-type", "application/grpc")]
END = [("grpc-status", "0")]
NOTHING = framed(b"")
MAXIMUM_MESSAGE = 4 * 1024 * 1024


def outcome(certificates, *answers, case: str = "empty_unary", **options) -> tuple[str, str]:
    """The name of the status that a call ends with, and its message."""
    with OddServer(certificates, *answers, **options) as server:
        return outcome_at(server, certificates, case)


def outcome_at(server: OddServer, certificates, case: str) -> tuple[str, str]:
    """The same at a server that runs."""
    run = subprocess.run(
        peers.client_command("kontor", case, server.port, certificates),
        capture_output=True,
        text=True,
        timeout=peers.TIMEOUT,
        check=False,
    )
    if run.returncode == 0:
        return "OK", ""
    said = re.fullmatch(rf"{case}: ([A-Z_]+)(?: \([A-Z_]+\))?: (.*)\n", run.stdout, re.DOTALL)
    assert run.returncode == 1 and said, (run.returncode, run.stdout, run.stderr)
    return said[1], said[2]


def whole(begin=None, body: bytes = NOTHING, end=None):
    """Headers, messages, trailers."""

    def answer(peer, stream):
        peer.headers(stream, BEGIN if begin is None else begin)
        if body:
            peer.data(stream, body)
        peer.headers(stream, END if end is None else end, end=True)

    return answer


def alone(*headers):
    """One block of headers that ends the stream."""
    return lambda peer, stream: peer.headers(stream, list(headers), end=True)


def test_a_good_answer_is_one(certificates):
    assert outcome(certificates, whole()) == ("OK", "")


# --- The status --------------------------------------------------------------------------------

CODES = [
    "CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS",
    "PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE",
    "UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED",
]
NAMES = dict(enumerate(" ".join(CODES).split(), start=1))


@pytest.mark.parametrize("number,name", NAMES.items())
def test_a_status_is_taken_from_headers_or_trailers(certificates, number, name):
    status = [("grpc-status", str(number)), ("grpc-message", "why")]
    assert outcome(certificates, alone(*BEGIN, *status)) == (name, "why")
    assert outcome(certificates, whole(end=status)) == (name, "why")
    assert outcome(certificates, whole(body=b"", end=status)) == (name, "why")


@pytest.mark.parametrize("number", ["17", "99", "-1", "", "abc", "1.5", "99999999999999999999", "0x5"])
def test_a_status_that_is_none_is_unknown(certificates, number):
    name, _ = outcome(certificates, alone(*BEGIN, ("grpc-status", number)))
    assert name == "UNKNOWN"


@pytest.mark.parametrize(
    "http,name",
    [
        ("400", "INTERNAL"),
        ("401", "UNAUTHENTICATED"),
        ("403", "PERMISSION_DENIED"),
        ("404", "UNIMPLEMENTED"),
        ("429", "UNAVAILABLE"),
        ("502", "UNAVAILABLE"),
        ("503", "UNAVAILABLE"),
        ("504", "UNAVAILABLE"),
        ("200", "UNKNOWN"),
        ("204", "UNKNOWN"),
        ("302", "UNKNOWN"),
        ("418", "UNKNOWN"),
        ("500", "UNKNOWN"),
    ],
)
def test_http_decides_where_there_is_no_grpc_status(certificates, http, name):
    page = [(":status", http), ("content-type", "text/html")]
    assert outcome(certificates, alone(*page))[0] == name
    assert outcome(certificates, alone((":status", http)))[0] == name
    if http == "204":
        return  # has no body

    def with_body(peer, stream):
        peer.headers(stream, page)
        peer.data(stream, b"<html>", end=True)

    assert outcome(certificates, with_body)[0] == name


def test_a_grpc_status_goes_before_http(certificates):
    begin = [(":status", "503"), ("content-type", "application/grpc")]
    assert outcome(certificates, alone(*begin, ("grpc-status", "5")))[0] == "NOT_FOUND"
    assert outcome(certificates, whole(begin, b"", [("grpc-status", "5")]))[0] == "NOT_FOUND"


def test_an_answer_without_a_status_is_unknown(certificates):
    def without_trailers(peer, stream):
        peer.headers(stream, BEGIN)
        peer.data(stream, NOTHING, end=True)

    assert outcome(certificates, without_trailers)[0] == "UNKNOWN"
    assert outcome(certificates, whole(end=[("x-other", "a")]))[0] == "UNKNOWN"


@pytest.mark.parametrize(
    "sent,read",
    [
        ("plain", "plain"),
        ("%E2%98%BA %25", "☺ %"),
        ("%e2%98%ba", "☺"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("%FF", "\N{REPLACEMENT CHARACTER}"),
        ("%E2%98", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_message_is_decoded_and_never_fails(certificates, sent, read):
    answer = alone(*BEGIN, ("grpc-status", "5"), ("grpc-message", sent))
    assert outcome(certificates, answer) == ("NOT_FOUND", read)


@pytest.mark.parametrize("details", ["", "!!!", "AAAA", "q" * 1000])
def test_details_that_are_none_do_not_hide_the_status(certificates, details):
    answer = alone(
        *BEGIN, ("grpc-status", "5"), ("grpc-message", "m"), ("grpc-status-details-bin", details)
    )
    assert outcome(certificates, answer) == ("NOT_FOUND", "m")


def test_interim_responses_are_skipped(certificates):
    def answer(peer, stream):
        for status in ("100", "103", "103"):
            peer.headers(stream, [(":status", status), ("link", "x")])
        whole()(peer, stream)

    assert outcome(certificates, answer)[0] == "OK"


# --- Headers and metadata ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/grpc+proto", "application/grpc;x=y"])
def test_a_grpc_content_type_is_taken(certificates, kind):
    assert outcome(certificates, whole([(":status", "200"), ("content-type", kind)]))[0] == "OK"


@pytest.mark.parametrize(
    "entry,name",
    [
        (("x-a-bin", "qw,qw==, qw,"), "OK"),
        (("x-a-bin", "!"), "INTERNAL"),
        (("x!", "a"), "INTERNAL"),
        (("x-long", "a" * 17_000), "RESOURCE_EXHAUSTED"),
        (("connection", "close"), "INTERNAL"),
        (("X-Upper", "a"), "INTERNAL"),
        (("x-text", "a\nb"), "INTERNAL"),
        ((":status", "200"), "INTERNAL"),
        ((":unknown", "a"), "INTERNAL"),
        (("content-length", "9"), "INTERNAL"),
    ],
    ids=lambda value: f"{value[0]} {value[1][:9]!r}" if isinstance(value, tuple) else value,
)
def test_bad_metadata_fail_the_call(certificates, entry, name):
    assert outcome(certificates, whole(begin=[*BEGIN, entry]))[0] == name
    if entry[0] == "content-length":
        return
    assert outcome(certificates, whole(end=[*END, entry]))[0] == name


# --- Messages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["empty_unary", "client_streaming"])
@pytest.mark.parametrize(
    "body,name",
    [
        (NOTHING + NOTHING, "INTERNAL UNIMPLEMENTED"),
        (b"", "INTERNAL UNIMPLEMENTED"),
        (b"\0", "INTERNAL"),
        (b"\0\0\0\0\5abc", "INTERNAL"),
        (framed(b"", 1), "INTERNAL"),
        (framed(b"", 2), "INTERNAL"),
        (framed(b"\xff\xff"), "INTERNAL"),
        (b"\0" + (MAXIMUM_MESSAGE + 1).to_bytes(4, "big"), "RESOURCE_EXHAUSTED"),
        (b"\0\xff\xff\xff\xff", "RESOURCE_EXHAUSTED"),
    ],
    ids=repr,
)
def test_a_body_that_is_not_one_message_is_an_error(certificates, case, body, name):
    assert outcome(certificates, whole(body=body), case=case)[0] in name.split()


@pytest.mark.parametrize("case", ["empty_unary", "client_streaming"])
@pytest.mark.parametrize(
    "encoding,body,name",
    [
        ("snappy", NOTHING, "INTERNAL"),
        ("identity", framed(b"", 1), "INTERNAL"),
        ("gzip", framed(b"nonsense", 1), "INTERNAL"),
        ("gzip", framed(gzip.compress(bytes(MAXIMUM_MESSAGE * 4)), 1), "RESOURCE_EXHAUSTED"),
        ("gzip", framed(gzip.compress(b"\xff\xff"), 1), "INTERNAL"),
    ],
)
def test_what_does_not_decompress_is_an_error(certificates, case, encoding, body, name):
    answer = whole(begin=[*BEGIN, ("grpc-encoding", encoding)], body=body)
    assert outcome(certificates, answer, case=case)[0] == name


def test_a_compressed_answer_is_read(certificates):
    begin = [*BEGIN, ("grpc-encoding", "gzip")]
    assert outcome(certificates, whole(begin, framed(gzip.compress(b""), 1)))[0] == "OK"


# --- Streams and connections -------------------------------------------------------------------


@pytest.mark.parametrize(
    "code,name",
    [
        (0, "INTERNAL"),
        (1, "INTERNAL"),
        (2, "INTERNAL"),
        (3, "INTERNAL"),
        (5, "INTERNAL"),
        (7, "UNAVAILABLE"),
        (8, "CANCELLED"),
        (11, "RESOURCE_EXHAUSTED"),
        (12, "PERMISSION_DENIED"),
        (13, "INTERNAL"),
        (0xFFFFFFFF, "INTERNAL"),
    ],
)
def test_a_reset_has_a_status(certificates, code, name):
    def after_headers(peer, stream):
        peer.headers(stream, BEGIN)
        peer.reset(stream, code)

    assert outcome(certificates, lambda peer, stream: peer.reset(stream, code))[0] == name
    assert outcome(certificates, after_headers)[0] == name


@pytest.mark.parametrize("size", [2, len(NOTHING)], ids=["within a message", "after the message"])
def test_a_reset_behind_data_fails_the_call(certificates, size):
    """Without trailers there is no status, whatever has come."""

    def answer(peer, stream):
        peer.headers(stream, BEGIN)
        peer.data(stream, NOTHING[:size])
        peer.reset(stream, 8)

    assert outcome(certificates, answer)[0] == "CANCELLED"


@pytest.mark.parametrize(
    "case,name", [("empty_unary", "OK"), ("client_streaming", "UNIMPLEMENTED")]
)
def test_an_answer_may_come_before_the_request(certificates, case, name):
    """The rest of the request, for which there is no window, holds up neither call nor client."""
    resets = []

    def answer(peer, stream):
        whole(body=NOTHING if name == "OK" else b"")(peer, stream)
        resets.append(peer.reset_by_client(stream))

    no_window = {SettingCodes.INITIAL_WINDOW_SIZE: 0}
    assert outcome(certificates, answer, case=case, early=True, settings=no_window)[0] == name
    assert resets == [8]


def test_pings_are_answered_during_a_call(certificates):
    """Each of them before the server goes on."""
    sent, came = [], []

    def ping(peer):
        sent.append(len(sent).to_bytes(8, "big"))
        peer.say(6, 0, 0, sent[-1])
        came.append(peer.pong())

    def answer(peer, stream):
        ping(peer)
        peer.headers(stream, BEGIN)
        ping(peer)
        peer.data(stream, NOTHING)
        ping(peer)
        peer.headers(stream, END, end=True)

    assert outcome(certificates, answer) == ("OK", "")
    assert came == sent and len(sent) == 3


def test_a_refused_call_is_sent_once_more(certificates):
    refused = []

    def answer(peer, stream):
        refused.append(stream)
        peer.reset(stream, 7) if len(refused) == 1 else whole()(peer, stream)

    assert outcome(certificates, answer)[0] == "OK"
    assert len(refused) == 2


def test_a_call_that_goaway_leaves_out_is_sent_on_another_connection(certificates):
    def go_away(peer, stream):
        peer.say(7, 0, 0, (0).to_bytes(4, "big") + (0).to_bytes(4, "big"))

    assert outcome(certificates, go_away, whole()) == ("OK", "")


def test_a_call_that_goaway_names_is_answered(certificates):
    def answer(peer, stream):
        peer.say(7, 0, 0, stream.to_bytes(4, "big") + (0).to_bytes(4, "big"))
        whole()(peer, stream)

    assert outcome(certificates, answer)[0] == "OK"


def test_a_connection_that_is_lost_is_unavailable(certificates):
    def after_headers(peer, stream):
        peer.headers(stream, BEGIN)
        peer.hang_up()

    assert outcome(certificates, lambda peer, _: peer.hang_up())[0] == "UNAVAILABLE"
    assert outcome(certificates, after_headers)[0] == "UNAVAILABLE"


@pytest.mark.parametrize(
    "frame",
    [
        (0, 0, 0, b"x"),
        (0, 0, 1, NOTHING),
        (1, 0x4, 1, b"\xff\xff\xff\xff\xff"),
        (4, 0, 0, b"\0" * 5),
        (5, 0x4, 1, (2).to_bytes(4, "big") + b"\x82"),
        (6, 0, 0, b"\0"),
        (8, 0, 0, b"\0" * 4),
        (9, 0x4, 1, b""),
    ],
    ids=lambda frame: f"type {frame[0]} stream {frame[2]} {frame[3][:6]!r}",
)
def test_a_frame_that_breaks_the_protocol_fails_the_call(certificates, frame):
    """A stream error is INTERNAL, a connection error a lost connection."""
    name, _ = outcome(certificates, lambda peer, stream: peer.say(*frame))
    assert name in ("INTERNAL", "UNAVAILABLE")


@pytest.mark.parametrize(
    "settings",
    [
        {SettingCodes.INITIAL_WINDOW_SIZE: 1000},
        {SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1},
        {SettingCodes.HEADER_TABLE_SIZE: 0},
        {SettingCodes.MAX_FRAME_SIZE: 2**24 - 1},
        {SettingCodes.MAX_CONCURRENT_STREAMS: 1},
        {SettingCodes.MAX_HEADER_LIST_SIZE: 65_536},
    ],
    ids=lambda settings: " ".join(f"{code.name}={value}" for code, value in settings.items()),
)
def test_every_setting_is_kept(certificates, settings):
    """h2 hangs up on a client that goes beyond what it announced."""
    # StreamingInputCallResponse{aggregated_payload_size: 74922}
    answer = whole(body=framed(b"\x08" + varint(74_922)))
    run = outcome(certificates, answer, case="client_streaming", settings=settings)
    assert run == ("OK", "")
    status = [("grpc-status", "0")]
    many = whole(body=framed(b"\x22\x01s"), end=status)
    assert outcome(certificates, many, case="pick_first_unary", settings=settings) == ("OK", "")


def test_calls_wait_where_a_server_allows_one_stream(certificates):
    """A thousand calls at once; h2 would hang up on a second stream."""
    answer = alone(*BEGIN, ("grpc-status", "3"))
    settings = {SettingCodes.MAX_CONCURRENT_STREAMS: 1}
    name, _ = outcome(certificates, answer, case="concurrent_large_unary", settings=settings)
    assert name == "INVALID_ARGUMENT"


def test_a_client_connects_again_and_again_and_more_and_more_seldom(certificates):
    """The case reconnect of grpc's doc/connection-backoff-interop-test-description.md.

    With the first wait of 50 ms instead of 1 s, and until the server is there instead of for nine
    minutes. What is compared are waits with waits: 50, 80, 128 and 205 ms with 328, 524 and 839,
    each ± 20 %.
    """
    with OddServer(certificates, whole(), refusals=8) as server:
        assert outcome_at(server, certificates, "reconnect") == ("OK", "")
    times = server.refused_at
    assert len(times) == 8 and server.connections == 1
    waits = [after - before for before, after in zip(times, times[1:])]
    assert sum(waits[4:]) > 1.5 * sum(waits[:4]), waits


def test_bytes_that_are_no_http2_fail_the_call(certificates):
    answer = outcome(certificates, lambda peer, _: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9))
    assert answer[0] == "UNAVAILABLE"


def test_a_server_without_http2_is_unavailable(certificates):
    assert outcome(certificates, whole(), alpn="http/1.1")[0] == "UNAVAILABLE"


def test_frames_that_mean_nothing_are_let_pass(certificates):
    def answer(peer, stream):
        peer.say(0xFE, 0xFF, stream, b"unknown")
        peer.say(4, 0, 0, b"\xab\xcd\0\0\0\1")
        peer.say(6, 0, 0, b"12345678")
        peer.headers(stream, BEGIN)
        peer.say(0, 0, stream, b"")
        peer.data(stream, NOTHING[:2])
        peer.data(stream, NOTHING[2:])
        peer.headers(stream, END, end=True)

    assert outcome(certificates, answer)[0] == "OK"


def test_an_answer_may_come_in_pieces_of_any_size(certificates):
    def answer(peer, stream):
        peer.headers(stream, BEGIN)
        for size in (31_415, 9, 2_653, 58_979):
            # StreamingOutputCallResponse{payload{body: zeros}}
            body = b"\x12" + varint(size) + bytes(size)
            message = framed(b"\x0a" + varint(len(body)) + body)
            for start in range(0, len(message), 997):
                peer.data(stream, message[start : start + 997])
        peer.headers(stream, END, end=True)

    assert outcome(certificates, answer, case="server_streaming")[0] == "OK"


def test_padding_is_given_back_to_the_windows(certificates):
    """Far more padding than the windows of stream and connection (RFC 9113, 6.9.1)."""

    def answer(peer, stream):
        peer.headers(stream, BEGIN)
        for size in (31_415, 9, 2_653, 58_979):
            # StreamingOutputCallResponse{payload{body: zeros}}
            body = b"\x12" + varint(size) + bytes(size)
            message = framed(b"\x0a" + varint(len(body)) + body)
            for start in range(0, len(message), 15):
                peer.data(stream, message[start : start + 15], pad=255)
        peer.headers(stream, END, end=True)

    assert outcome(certificates, answer, case="server_streaming")[0] == "OK"


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
