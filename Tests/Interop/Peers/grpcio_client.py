"""grpcio's client of the interoperability tests: runs one case, ends with 0 when it holds."""

from __future__ import annotations

import argparse
import queue
from pathlib import Path

import grpc
from interop_stubs import (
    empty_pb2,
    messages_pb2,
    orca_pb2,
    orca_pb2_grpc,
    test_pb2_grpc,
)

LARGE_REQUEST, LARGE_RESPONSE = 271_828, 314_159
REQUEST_SIZES, RESPONSE_SIZES = (27_182, 8, 1_828, 45_904), (31_415, 9, 2_653, 58_979)
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
METADATA = (
    ("x-grpc-test-echo-initial", "test_initial_metadata_value"),
    ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"),
)


def payload(size: int) -> messages_pb2.Payload:
    return messages_pb2.Payload(body=bytes(size))


def flag(value: bool) -> messages_pb2.BoolValue:
    return messages_pb2.BoolValue(value=value)


def large_request(**fields) -> messages_pb2.SimpleRequest:
    return messages_pb2.SimpleRequest(
        response_size=LARGE_RESPONSE, payload=payload(LARGE_REQUEST), **fields
    )


def output_request(*sizes: int, body: int = 0, **fields) -> messages_pb2.StreamingOutputCallRequest:
    parameters = [messages_pb2.ResponseParameters(size=size) for size in sizes]
    return messages_pb2.StreamingOutputCallRequest(
        response_parameters=parameters, payload=payload(body), **fields
    )


def expect_zeros(answer, size: int) -> None:
    assert answer.payload.body == bytes(size), len(answer.payload.body)


def expect_failure(code: grpc.StatusCode, call, message: str | None = None) -> None:
    """Makes a call that must fail; one that streams is read to its end."""
    try:
        answer = call()
        if hasattr(answer, "__next__"):
            list(answer)
    except grpc.RpcError as error:
        assert error.code() == code, error
        assert message is None or error.details() == message, repr(error.details())
    else:
        raise AssertionError(f"answered instead of failing with {code}: {answer}")


def load(processor: float, memory: float, utilization: float):
    """What a server is to report."""
    return messages_pb2.TestOrcaReport(
        cpu_utilization=processor,
        memory_utilization=memory,
        utilization={"util": utilization},
    )


def is_like(report, asked) -> bool:
    return (
        report.cpu_utilization == asked.cpu_utilization
        and report.mem_utilization == asked.memory_utilization
        and report.request_cost == asked.request_cost
        and report.utilization == asked.utilization
    )


class Requests:
    """The requests of a stream, handed over one by one."""

    def __init__(self):
        self._queue: queue.SimpleQueue = queue.SimpleQueue()

    def send(self, request) -> None:
        self._queue.put(request)

    def finish(self) -> None:
        self._queue.put(None)

    def __iter__(self):
        return iter(self._queue.get, None)


class Cases:
    """One method a case."""

    def __init__(self, connect):
        self.connect = connect
        self.channel = connect()
        self.stub = test_pb2_grpc.TestServiceStub(self.channel)

    def empty_unary(self):
        assert self.stub.EmptyCall(empty_pb2.Empty()) == empty_pb2.Empty()

    def large_unary(self, stub=None):
        expect_zeros((stub or self.stub).UnaryCall(large_request()), LARGE_RESPONSE)

    def client_compressed_unary(self):
        call = self.stub.UnaryCall
        expect_failure(
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: call(large_request(expect_compressed=flag(True))),
        )
        answer = call(
            large_request(expect_compressed=flag(True)), compression=grpc.Compression.Gzip
        )
        expect_zeros(answer, LARGE_RESPONSE)
        expect_zeros(call(large_request(expect_compressed=flag(False))), LARGE_RESPONSE)

    def server_compressed_unary(self):
        # Whether the answer came compressed is hidden from grpcio's callers.
        for compressed in (True, False):
            request = large_request(response_compressed=flag(compressed))
            expect_zeros(self.stub.UnaryCall(request), LARGE_RESPONSE)

    def client_streaming(self):
        requests = (
            messages_pb2.StreamingInputCallRequest(payload=payload(size)) for size in REQUEST_SIZES
        )
        assert self.stub.StreamingInputCall(requests).aggregated_payload_size == 74_922

    def server_streaming(self):
        answers = list(self.stub.StreamingOutputCall(output_request(*RESPONSE_SIZES)))
        assert len(answers) == len(RESPONSE_SIZES)
        for answer, size in zip(answers, RESPONSE_SIZES):
            expect_zeros(answer, size)

    def server_compressed_streaming(self):
        request = output_request(31_415, 92_653)
        request.response_parameters[0].compressed.value = True
        request.response_parameters[1].compressed.value = False
        first, second = self.stub.StreamingOutputCall(request)
        expect_zeros(first, 31_415)
        expect_zeros(second, 92_653)

    def ping_pong(self):
        requests = Requests()
        answers = self.stub.FullDuplexCall(iter(requests))
        for request_size, response_size in zip(REQUEST_SIZES, RESPONSE_SIZES):
            requests.send(output_request(response_size, body=request_size))
            expect_zeros(next(answers), response_size)
        requests.finish()
        assert not list(answers)

    def empty_stream(self):
        assert not list(self.stub.FullDuplexCall(iter(())))

    def custom_metadata(self):
        _, unary = self.stub.UnaryCall.with_call(large_request(), metadata=METADATA)
        stream = self.stub.FullDuplexCall(
            iter([output_request(LARGE_RESPONSE, body=LARGE_REQUEST)]), metadata=METADATA
        )
        (answer,) = stream
        expect_zeros(answer, LARGE_RESPONSE)
        for call in (unary, stream):
            assert METADATA[0] in [tuple(entry) for entry in call.initial_metadata()]
            assert METADATA[1] in [tuple(entry) for entry in call.trailing_metadata()]

    def status_code_and_message(self, message="test status message"):
        status = messages_pb2.EchoStatus(code=2, message=message)
        expect_failure(
            grpc.StatusCode.UNKNOWN,
            lambda: self.stub.UnaryCall(messages_pb2.SimpleRequest(response_status=status)),
            message,
        )
        expect_failure(
            grpc.StatusCode.UNKNOWN,
            lambda: self.stub.FullDuplexCall(iter([output_request(response_status=status)])),
            message,
        )

    def special_status_message(self):
        self.status_code_and_message(SPECIAL_MESSAGE)

    def unimplemented_method(self):
        expect_failure(
            grpc.StatusCode.UNIMPLEMENTED, lambda: self.stub.UnimplementedCall(empty_pb2.Empty())
        )

    def unimplemented_service(self):
        stub = test_pb2_grpc.UnimplementedServiceStub(self.channel)
        expect_failure(
            grpc.StatusCode.UNIMPLEMENTED, lambda: stub.UnimplementedCall(empty_pb2.Empty())
        )

    def cancel_after_begin(self):
        requests = Requests()
        call = self.stub.StreamingInputCall.future(iter(requests))
        call.cancel()
        requests.finish()
        assert call.cancelled() and call.code() == grpc.StatusCode.CANCELLED

    def cancel_after_first_response(self):
        requests = Requests()
        answers = self.stub.FullDuplexCall(iter(requests))
        requests.send(output_request(31_415, body=27_182))
        expect_zeros(next(answers), 31_415)
        answers.cancel()
        requests.finish()
        expect_failure(grpc.StatusCode.CANCELLED, lambda: next(answers))
        assert answers.code() == grpc.StatusCode.CANCELLED

    def timeout_on_sleeping_server(self):
        # Connected before, or the time would pass on the way.
        self.empty_unary()
        requests = Requests()
        answers = self.stub.FullDuplexCall(iter(requests), timeout=0.001)
        requests.send(output_request(body=27_182))
        expect_failure(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(answers))
        requests.finish()

    def pick_first_unary(self):
        request = messages_pb2.SimpleRequest(response_size=1, fill_server_id=True)
        servers = {self.stub.UnaryCall(request).server_id for _ in range(20)}
        assert len(servers) == 1 and "" not in servers

    def concurrent_large_unary(self):
        calls = [self.stub.UnaryCall.future(large_request()) for _ in range(CONCURRENT_CALLS)]
        for call in calls:
            expect_zeros(call.result(), LARGE_RESPONSE)

    def orca_oob(self):
        request = orca_pb2.OrcaLoadReportRequest(report_interval={"nanos": 100_000_000})
        reports = orca_pb2_grpc.OpenRcaServiceStub(self.channel).StreamCoreMetrics(
            request, timeout=10
        )
        requests = Requests()
        answers = self.stub.FullDuplexCall(iter(requests))
        for asked in (load(0.8210, 0.5847, 0.30499), load(0.29309, 0.2, 0.2039)):
            requests.send(output_request(1, orca_oob_report=asked))
            expect_zeros(next(answers), 1)
            # What was on its way before may come first.
            while not is_like(next(reports), asked):
                pass
        requests.finish()
        assert not list(answers)
        reports.cancel()

    def rpc_soak(self):
        for _ in range(SOAK_ITERATIONS):
            self.large_unary()

    def channel_soak(self):
        for _ in range(SOAK_CHANNELS):
            with self.connect() as channel:
                self.large_unary(test_pb2_grpc.TestServiceStub(channel))


CONCURRENT_CALLS, SOAK_ITERATIONS, SOAK_CHANNELS = 1000, 100, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server_host", required=True)
    parser.add_argument("--server_port", type=int, required=True)
    parser.add_argument("--test_case", required=True)
    parser.add_argument("--tls_ca_file", type=Path, required=True)
    arguments = parser.parse_args()
    credentials = grpc.ssl_channel_credentials(arguments.tls_ca_file.read_bytes())
    target = f"{arguments.server_host}:{arguments.server_port}"
    cases = Cases(
        lambda: grpc.secure_channel(
            target, credentials, options=[("grpc.use_local_subchannel_pool", 1)]
        )
    )
    getattr(cases, arguments.test_case)()
    cases.channel.close()


main()
