"""gRPC over HTTP/2 as a hostile or odd client meets it: PROTOCOL-HTTP2 sentence by sentence."""

from __future__ import annotations

import base64
import gzip
import socket
import zlib

import pytest
from google.rpc import error_details_pb2, status_pb2
from interop_stubs import messages_pb2

from wire import Connection, framed

SERVICE = "/grpc.testing.TestService/"
EMPTY, UNARY = SERVICE + "EmptyCall", SERVICE + "UnaryCall"
UPLOAD, DOWNLOAD = SERVICE + "StreamingInputCall", SERVICE + "StreamingOutputCall"
DUPLEX = SERVICE + "FullDuplexCall"
NOTHING = framed(b"")

MAXIMUM_MESSAGE = 4 * 1024 * 1024
MAXIMUM_HEADERS = 16 * 1024
UNKNOWN, DEADLINE_EXCEEDED, EXHAUSTED, UNIMPLEMENTED, INTERNAL = "2", "4", "8", "12", "13"


def unary(**fields) -> bytes:
    return framed(messages_pb2.SimpleRequest(**fields).SerializeToString())


def upload(size: int) -> bytes:
    payload = messages_pb2.Payload(body=bytes(size))
    return messages_pb2.StreamingInputCallRequest(payload=payload).SerializeToString()


def status(code: int, message: str = "") -> messages_pb2.EchoStatus:
    return messages_pb2.EchoStatus(code=code, message=message)


@pytest.fixture
def connection(servers):
    """A connection that a good call still works on when the test is over."""
    authority = servers.certificates / "authority.pem"
    with Connection(servers.port("kontor"), authority) as connection:
        yield connection
        answer = connection.call(EMPTY, NOTHING)
        assert answer.status == "0" and answer.messages == [(0, b"")]


def refused(answer, code: str) -> None:
    """An error with its status, and nothing else."""
    assert answer.is_trailers_only and answer.first(":status") == "200", answer
    assert answer.status == code, answer


# --- Request ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "post"])
def test_only_post_is_a_call(connection, method):
    answer = connection.call(EMPTY, NOTHING, changes={":method": method})
    assert answer.first(":status") == "405" and answer.first("allow") == "POST"
    assert answer.data == (b"" if method == "HEAD" else b"gRPC requests are POST\n")


@pytest.mark.parametrize(
    "path",
    [
        SERVICE + "emptycall",
        "/Grpc.Testing.TestService/EmptyCall",
        EMPTY + "?",
        EMPTY + "?a=b",
        EMPTY + "/",
        EMPTY + "%20",
        "/" + EMPTY,
        SERVICE,
        "/EmptyCall",
        "/",
        "*",
        "/" + "x" * 10_000,
        SERVICE + "UnimplementedCall",
    ],
)
def test_a_path_is_compared_as_it_is(connection, path):
    answer = connection.call(path, NOTHING)
    if answer.reset is not None:
        # Not a path by RFC 9113, 8.3.1.
        assert path in ("*",) and answer.reset == 1
    else:
        refused(answer, UNIMPLEMENTED)


@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "POST /a HTTP/1.0", "CONNECT a:1 HTTP/1.1"])
def test_a_request_without_tls_is_told_to_use_it(servers, request_line):
    with socket.create_connection(("127.0.0.1", servers.port("kontor")), timeout=20) as plain:
        plain.sendall(f"{request_line}\r\nHost: localhost\r\n\r\n".encode())
        answer = b"".join(iter(lambda: plain.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b"HTTP/2 within TLS\n"), answer
    head, body = answer.split(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize("first", [b"SSH-2.0-x\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bytes(100), b"\xff" * 9])
def test_bytes_that_are_no_tls_are_not_answered_in_plain(servers, first):
    with socket.create_connection(("127.0.0.1", servers.port("kontor")), timeout=20) as plain:
        plain.sendall(first)
        answer = b"".join(iter(lambda: plain.recv(4096), b""))
    # At most an alert.
    assert not answer or answer[0] == 0x15


def test_te_is_asked_for(connection):
    refused(connection.call(EMPTY, NOTHING, changes={"te": None}), INTERNAL)


@pytest.mark.parametrize("value", ["trailers", "Trailers", "TRAILERS"])
def test_te_is_taken_in_any_case(connection, value):
    """RFC 9110, 10.1.4: the names of codings have no case."""
    assert connection.call(EMPTY, NOTHING, changes={"te": value}).status == "0"


@pytest.mark.parametrize("kind", ["", "+proto", "+json", "; charset=utf-8", ";x", "+proto; x=y"])
def test_a_grpc_content_type_is_taken(connection, kind):
    answer = connection.call(EMPTY, NOTHING, changes={"content-type": "application/grpc" + kind})
    assert answer.status == "0"
    # Media types have no case (RFC 9110, 8.3.1).
    answer = connection.call(EMPTY, NOTHING, changes={"content-type": "Application/gRPC" + kind})
    assert answer.status == "0"


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "application/json", "application/grpc-web", "application/grpcx",
     "application/grp", "xapplication/grpc"],
)
def test_another_content_type_is_http_415(connection, kind):
    answer = connection.call(EMPTY, NOTHING, changes={"content-type": kind})
    assert answer.first(":status") == "415" and answer.first("content-type").startswith("text/plain")
    assert answer.data == b"gRPC requests have content type application/grpc\n"


def test_a_host_that_is_not_the_authority_is_refused(connection):
    same = connection.call(EMPTY, NOTHING, adding=[("host", f"localhost:{connection.port}")])
    assert same.status == "0"
    refused(connection.call(EMPTY, NOTHING, adding=[("host", "elsewhere")]), INTERNAL)


@pytest.mark.parametrize("name", ["x-ok", "x_ok", "x.ok", "0", "x-0-bin"])
def test_a_metadata_name_is_taken(connection, name):
    assert connection.call(EMPTY, NOTHING, adding=[(name, "AAAA")]).status == "0"


@pytest.mark.parametrize("name", ["x!", "x#y", "x|", "x~y"])
def test_another_metadata_name_is_refused(connection, name):
    refused(connection.call(EMPTY, NOTHING, adding=[(name, "a")]), INTERNAL)


@pytest.mark.parametrize("name", ["grpc-unknown", "grpc-status", "grpc-message", "grpc-tags-bin"])
def test_reserved_names_are_no_metadata(connection, name):
    answer = connection.call(EMPTY, NOTHING, adding=[(name, "5")])
    assert answer.status == "0" and answer.messages == [(0, b"")]


@pytest.mark.parametrize("value", ["ä", "\x7f", "tab\there"])
def test_a_text_that_is_not_printable_ascii_is_refused(connection, value):
    answer = connection.call(EMPTY, NOTHING, adding=[("x-text", value)])
    assert answer.reset == 1 or answer.status == INTERNAL


@pytest.mark.parametrize(
    "adding",
    [
        [(":status", "200")],
        [(":path", EMPTY)],
        [(":unknown", "x")],
        [("connection", "keep-alive")],
        [("transfer-encoding", "chunked")],
        [("te", "gzip")],
        [("X-Upper", "x")],
        [("", "x")],
        [("x y", "x")],
        [("x-text", "line\nbreak")],
        [("x-text", "nul\0")],
        [("content-length", "4")],
        [("content-length", "nonsense")],
    ],
    ids=lambda adding: repr(adding[0]),
)
def test_headers_that_http_forbids_end_the_stream(connection, adding):
    """RFC 9113, 8.1.1: a malformed request is a stream error."""
    answer = connection.call(EMPTY, NOTHING, adding=adding)
    assert answer.reset == 1 and not answer.blocks, answer


@pytest.mark.parametrize("name", [":method", ":path", ":scheme"])
def test_headers_that_http_asks_for_must_be_there(connection, name):
    answer = connection.call(EMPTY, NOTHING, changes={name: None})
    assert answer.reset == 1 and not answer.blocks, answer


# --- Timeout ----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1H", "1M", "10S", "10000m", "10000000u", "99999999H", "00000001H"])
def test_a_timeout_is_read(connection, value):
    assert connection.call(EMPTY, NOTHING, changes={"grpc-timeout": value}).status == "0"


@pytest.mark.parametrize(
    "value",
    ["", "1", "S", "-1S", "+1S", "1.5S", "1s", "1h", "123456789S", "1 S", "0x1S", "1SS", "S1",
     "٣S", "1e3S", "infinity"],
)
def test_a_malformed_timeout_is_an_error(connection, value):
    answer = connection.call(EMPTY, NOTHING, changes={"grpc-timeout": value})
    assert answer.reset == 1 or answer.status == INTERNAL, answer


@pytest.mark.parametrize("value", ["0S", "0n", "00000000H"])
def test_no_time_left_is_said_at_once(connection, value):
    stream = connection.begin(connection.headers(UNARY, {"grpc-timeout": value}))
    refused(connection.end_of(stream), DEADLINE_EXCEEDED)


@pytest.mark.parametrize("path", [EMPTY, UPLOAD, DOWNLOAD, DUPLEX])
def test_the_server_keeps_the_deadline_itself(connection, path):
    """The client sends nothing and waits."""
    stream = connection.begin(connection.headers(path, {"grpc-timeout": "1m"}))
    refused(connection.end_of(stream), DEADLINE_EXCEEDED)


# --- Binary metadata --------------------------------------------------------------------------

BINARY = "x-grpc-test-echo-trailing-bin"


def echoed(connection, *values: str) -> list[str]:
    answer = connection.call(UNARY, unary(), adding=[(BINARY, value) for value in values])
    assert answer.status == "0", answer
    return answer.all(BINARY)


@pytest.mark.parametrize("size", range(7))
def test_bytes_are_taken_padded_or_not_and_sent_unpadded(connection, size):
    padded = base64.b64encode(bytes(range(250, 250 + size))).decode()
    plain = padded.rstrip("=")
    assert echoed(connection, padded) == [plain]
    assert echoed(connection, plain) == [plain]


def test_values_joined_by_commas_are_split_and_keep_their_order(connection):
    assert echoed(connection, "qw==,qqs, qqur") == ["qw", "qqs", "qqur"]
    assert echoed(connection, "qw", "qqs", "qw") == ["qw", "qqs", "qw"]


@pytest.mark.parametrize("value", ["A", "A===", "qw=", "q=w=", "====", "q w=", "q-_w", "qw==,!", "qwerty!!"])
def test_bad_base64_fails_the_call(connection, value):
    refused(connection.call(UNARY, unary(), adding=[(BINARY, value)]), INTERNAL)


def test_metadata_have_a_size(connection):
    """The sum of name, value and 32 over all fields (RFC 9113, 6.5.2)."""
    headers = connection.headers(EMPTY)
    used = sum(len(name) + len(value) + 32 for name, value in headers) + len("x-long") + 32
    for size, code in ((MAXIMUM_HEADERS - used, "0"), (MAXIMUM_HEADERS - used + 1, EXHAUSTED)):
        answer = connection.call(EMPTY, NOTHING, adding=[("x-long", "a" * size)])
        assert answer.status == code, (size, answer)


# --- Framing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 1000])
def test_a_message_may_be_cut_anywhere(connection, size):
    body = unary(response_size=3, payload=messages_pb2.Payload(body=bytes(20)))
    frames = [body[start : start + size] for start in range(0, len(body), size)]
    answer = connection.call(UNARY, *frames)
    assert answer.status == "0" and len(answer.messages) == 1


@pytest.mark.parametrize("size", [1, 4, 7, 100_000])
def test_messages_may_share_frames(connection, size):
    body = b"".join(framed(upload(count)) for count in (0, 1, 2, 3, 4))
    frames = [body[start : start + size] for start in range(0, len(body), size)]
    answer = connection.call(UPLOAD, *frames)
    (_, message) = answer.messages[0]
    response = messages_pb2.StreamingInputCallResponse.FromString(message)
    assert response.aggregated_payload_size == 10


def test_empty_and_padded_frames_change_nothing(connection):
    body = unary(response_size=3)
    stream = connection.begin(connection.headers(UNARY))
    for part in (b"", body[:3], b"", body[3:]):
        connection.send(stream, part, pad=200)
    connection.send(stream, b"", end=True)
    answer = connection.end_of(stream)
    assert answer.status == "0" and len(answer.messages) == 1


@pytest.mark.parametrize("path", [UNARY, UPLOAD, DOWNLOAD, DUPLEX])
@pytest.mark.parametrize("size", [MAXIMUM_MESSAGE + 1, 2**31, 2**32 - 1])
def test_a_length_is_refused_before_the_message_comes(connection, path, size):
    stream = connection.begin(connection.headers(path))
    connection.send(stream, b"\0" + size.to_bytes(4, "big"))
    answer = connection.end_of(stream)
    connection.settle()
    refused(answer, EXHAUSTED)
    # The client need not go on sending.
    assert answer.reset == 0


def test_a_message_of_the_greatest_length_passes(connection):
    body = upload(MAXIMUM_MESSAGE - 10)
    assert MAXIMUM_MESSAGE - 10 < len(body) <= MAXIMUM_MESSAGE
    assert connection.call(UPLOAD, framed(body)).status == "0"


@pytest.mark.parametrize("path", [UNARY, UPLOAD, DOWNLOAD, DUPLEX])
@pytest.mark.parametrize("flag,encoding", [(1, None), (1, "identity"), (2, None), (2, "gzip"), (255, "gzip")])
def test_a_flag_that_says_nothing_known_is_an_error(connection, path, flag, encoding):
    refused(
        connection.call(path, framed(b"", flag), changes={"grpc-encoding": encoding}), INTERNAL
    )


@pytest.mark.parametrize("path", [UNARY, UPLOAD, DOWNLOAD, DUPLEX])
@pytest.mark.parametrize("encoding", ["snappy", "GZIP", "gzip,deflate", "", "x" * 200])
def test_an_unknown_encoding_is_told_the_known_ones(connection, path, encoding):
    answer = connection.call(path, NOTHING, changes={"grpc-encoding": encoding})
    refused(answer, UNIMPLEMENTED)
    assert {"gzip", "deflate"} <= set((answer.last("grpc-accept-encoding") or "").split(","))


@pytest.mark.parametrize("path", [UNARY, UPLOAD, DOWNLOAD, DUPLEX])
@pytest.mark.parametrize("encoding,compress", [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_what_does_not_decompress_is_an_error(connection, path, encoding, compress):
    good = compress(bytes(1000))
    changed = bytearray(good)
    changed[len(good) // 2] ^= 0xFF
    for damaged in (b"", b"nonsense", good[:-1], good + b"more", bytes(changed)):
        answer = connection.call(path, framed(damaged, 1), changes={"grpc-encoding": encoding})
        refused(answer, INTERNAL)


@pytest.mark.parametrize("path", [UNARY, UPLOAD, DOWNLOAD, DUPLEX])
def test_the_limit_holds_while_decompressing(connection, path):
    bomb = gzip.compress(bytes(MAXIMUM_MESSAGE * 8))
    refused(
        connection.call(path, framed(bomb, 1), changes={"grpc-encoding": "gzip"}), EXHAUSTED
    )


@pytest.mark.parametrize("encoding,compress", [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_both_formats_are_taken_and_answered(connection, encoding, compress):
    request = messages_pb2.SimpleRequest(response_size=5000)
    request.expect_compressed.value = request.response_compressed.value = True
    answer = connection.call(
        UNARY,
        framed(compress(request.SerializeToString()), 1),
        changes={"grpc-encoding": encoding, "grpc-accept-encoding": "gzip"},
    )
    assert answer.status == "0" and answer.first("grpc-encoding") == "gzip", answer
    ((flag, message),) = answer.messages
    assert flag == 1 and len(message) < 1000
    response = messages_pb2.SimpleResponse.FromString(gzip.decompress(message))
    assert response.payload.body == bytes(5000)


@pytest.mark.parametrize("accepted", [None, "identity", "deflate", "snappy", ""])
def test_nothing_is_compressed_in_a_format_that_was_not_offered(connection, accepted):
    request = messages_pb2.SimpleRequest(response_size=5000)
    request.response_compressed.value = True
    answer = connection.call(
        UNARY, framed(request.SerializeToString()), changes={"grpc-accept-encoding": accepted}
    )
    ((flag, message),) = answer.messages
    assert flag == 0 and messages_pb2.SimpleResponse.FromString(message).payload.body


def test_a_stream_that_ends_with_its_headers_has_no_messages(connection):
    refused(connection.call(UNARY), UNIMPLEMENTED)
    refused(connection.call(DOWNLOAD), UNIMPLEMENTED)
    upload_answer = connection.call(UPLOAD)
    assert upload_answer.status == "0" and upload_answer.messages == [(0, b"")]
    duplex = connection.call(DUPLEX)
    assert duplex.status == "0" and not duplex.messages


@pytest.mark.parametrize("path", [UNARY, DOWNLOAD])
def test_two_messages_in_a_call_of_one_are_an_error(connection, path):
    code = connection.call(path, NOTHING + NOTHING).status
    assert code in (UNIMPLEMENTED, INTERNAL)
    assert connection.call(path, NOTHING, NOTHING).status == code


@pytest.mark.parametrize("path", [UNARY, UPLOAD, DOWNLOAD, DUPLEX])
@pytest.mark.parametrize("body", [b"\0", b"\0\0\0\0", b"\0\0\0\0\1", b"\0\0\0\0\5abcd"])
def test_a_message_that_is_cut_off_is_an_error(connection, path, body):
    refused(connection.call(path, body), INTERNAL)


@pytest.mark.parametrize("path", [UNARY, UPLOAD, DOWNLOAD, DUPLEX])
@pytest.mark.parametrize("message", [b"\xff", b"\x1a\x7f", b"\x1a\x02\x12", b"\x07", b"\x18\xff"])
def test_bytes_that_are_no_message_are_an_error(connection, path, message):
    refused(connection.call(path, framed(message)), INTERNAL)


# --- Response ---------------------------------------------------------------------------------


def test_an_answer_is_headers_messages_and_one_block_of_trailers(connection):
    answer = connection.call(UNARY, unary(response_size=3))
    first, last = answer.blocks
    assert dict(first)[":status"] == "200" and dict(first)["content-type"] == "application/grpc"
    assert dict(last)["grpc-status"] == "0" and ":status" not in dict(last)
    assert len(answer.messages) == 1 and answer.has_ended and answer.reset is None


def test_headers_wait_for_the_first_message(connection):
    stream = connection.begin(connection.headers(DUPLEX))
    connection.settle()
    assert not connection.answers[stream].blocks
    request = messages_pb2.StreamingOutputCallRequest()
    request.response_parameters.add().size = 1
    connection.send(stream, framed(request.SerializeToString()))
    while not connection.answers[stream].data:
        connection.receive()
    assert len(connection.answers[stream].blocks) == 1
    connection.send(stream, b"", end=True)
    assert connection.end_of(stream).status == "0"


@pytest.mark.parametrize("code", range(1, 17))
def test_a_status_is_its_number_without_zeros(connection, code):
    answer = connection.call(UNARY, unary(response_status=status(code, "as asked")))
    refused(answer, str(code))
    assert answer.all("grpc-status") == [str(code)] and answer.last("grpc-message") == "as asked"


def test_an_error_after_messages_is_in_the_trailers(connection):
    request = messages_pb2.StreamingOutputCallRequest(response_status=status(2, "late"))
    request.response_parameters.add().size = 1
    answer = connection.call(DOWNLOAD, framed(request.SerializeToString()))
    assert len(answer.messages) == 1 and len(answer.blocks) == 2
    assert answer.all("grpc-status") == [UNKNOWN] and answer.last("grpc-message") == "late"


@pytest.mark.parametrize(
    "message,encoded",
    [
        ("plain ~!\"#$&'()*+,-./:;<=>?@[]^_`{|}", "plain ~!\"#$&'()*+,-./:;<=>?@[]^_`{|}"),
        ("100 %", "100 %25"),
        ("\t\r\n\x7f", "%09%0D%0A%7F"),
        ("ä ☺ 😈", "%C3%A4 %E2%98%BA %F0%9F%98%88"),
    ],
)
def test_a_message_is_percent_encoded(connection, message, encoded):
    answer = connection.call(UNARY, unary(response_status=status(2, message)))
    assert answer.last("grpc-message") == encoded


@pytest.mark.parametrize("character", ["x", "ä", "😈", "\n"])
def test_a_long_message_is_cut_between_characters(connection, character):
    answer = connection.call(UNARY, unary(response_status=status(2, character * 20_000)))
    encoded = answer.last("grpc-message")
    assert len(encoded) <= 3 * 1024
    text = bytes.fromhex(encoded.replace("%", "")) if "%" in encoded else encoded.encode()
    assert set(text.decode()) == {character}


def test_details_repeat_code_and_message(connection):
    answer = connection.call(SERVICE + "Nothing", NOTHING)
    encoded = answer.last("grpc-status-details-bin")
    details = status_pb2.Status.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
    assert str(details.code) == answer.status and details.message == answer.last("grpc-message")
    info = error_details_pb2.ErrorInfo()
    assert details.details[0].Unpack(info) and info.reason == "METHOD_UNKNOWN"


@pytest.mark.parametrize("path", [UPLOAD, DUPLEX])
def test_an_error_while_the_client_sends_is_trailers_and_then_a_reset_without_error(
    connection, path
):
    stream = connection.begin(connection.headers(path))
    connection.send(stream, framed(b"\xff"))
    answer = connection.end_of(stream)
    connection.settle()
    refused(answer, INTERNAL)
    assert answer.reset == 0
