"""grpcio's server of the interoperability tests: prints its port, ends when its input does."""

from __future__ import annotations

import argparse
import sys
import threading
import time
import uuid
from concurrent import futures
from pathlib import Path

import grpc
from interop_stubs import empty_pb2, messages_pb2, orca_load_report_pb2, orca_pb2_grpc, test_pb2_grpc

SERVER_ID = str(uuid.uuid4())
CODES = {code.value[0]: code for code in grpc.StatusCode}


def payload(size: int) -> messages_pb2.Payload:
    return messages_pb2.Payload(body=bytes(size))


def load_report(asked) -> orca_load_report_pb2.OrcaLoadReport:
    return orca_load_report_pb2.OrcaLoadReport(
        cpu_utilization=asked.cpu_utilization,
        mem_utilization=asked.memory_utilization,
        request_cost=asked.request_cost,
        utilization=asked.utilization,
    )


def send_metadata(context: grpc.ServicerContext, *trailers: tuple[str, bytes]) -> None:
    """Sends back what is asked for, and more trailers."""
    echoed = []
    for name, value in context.invocation_metadata():
        if name == "x-grpc-test-echo-initial":
            context.send_initial_metadata([(name, value)])
        elif name == "x-grpc-test-echo-trailing-bin":
            echoed.append((name, value))
    context.set_trailing_metadata([*echoed, *trailers])


def end_as_asked(request, context: grpc.ServicerContext) -> None:
    if request.HasField("response_status"):
        status = request.response_status
        context.abort(CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message)


def answer(parameters, context) -> messages_pb2.StreamingOutputCallResponse:
    return messages_pb2.StreamingOutputCallResponse(
        payload=payload(parameters.size),
        peer_socket_address=context.peer() if parameters.fill_peer_socket_address.value else "",
    )


class TestService(test_pb2_grpc.TestServiceServicer):
    """grpcio answers UnimplementedCall by itself, as nothing here does."""

    def EmptyCall(self, request, context):
        return empty_pb2.Empty()

    def UnaryCall(self, request, context):
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        trailers = []
        if request.HasField("orca_per_query_report"):
            # grpcio has no interface for reports.
            report = load_report(request.orca_per_query_report)
            trailers.append(("endpoint-load-metrics-bin", report.SerializeToString()))
        send_metadata(context, *trailers)
        end_as_asked(request, context)
        return messages_pb2.SimpleResponse(
            payload=payload(request.response_size),
            server_id=SERVER_ID if request.fill_server_id else "",
        )

    def StreamingOutputCall(self, request, context):
        if any(parameters.compressed.value for parameters in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        for parameters in request.response_parameters:
            time.sleep(parameters.interval_us / 1_000_000)
            if not parameters.compressed.value:
                context.disable_next_message_compression()
            yield answer(parameters, context)
        end_as_asked(request, context)

    def StreamingInputCall(self, requests, context):
        size = sum(len(request.payload.body) for request in requests)
        return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)

    def FullDuplexCall(self, requests, context):
        send_metadata(context)
        for request in requests:
            if request.HasField("orca_oob_report"):
                LoadReports.current = load_report(request.orca_oob_report)
            end_as_asked(request, context)
            for parameters in request.response_parameters:
                time.sleep(parameters.interval_us / 1_000_000)
                yield answer(parameters, context)


class LoadReports(orca_pb2_grpc.OpenRcaServiceServicer):
    """Tells what clients have asked this server to report."""

    current = orca_load_report_pb2.OrcaLoadReport()

    def StreamCoreMetrics(self, request, context):
        seconds = request.report_interval.seconds + request.report_interval.nanos / 1e9
        is_over = threading.Event()
        context.add_callback(is_over.set)
        while not is_over.is_set():
            yield self.current
            is_over.wait(max(seconds, 0.05))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls_cert_file", type=Path, required=True)
    parser.add_argument("--tls_key_file", type=Path, required=True)
    parser.add_argument("--max_concurrent_streams", type=int)
    arguments = parser.parse_args()
    options = []
    if arguments.max_concurrent_streams is not None:
        options.append(("grpc.max_concurrent_streams", arguments.max_concurrent_streams))
    identity = (arguments.tls_key_file.read_bytes(), arguments.tls_cert_file.read_bytes())
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=options)
    test_pb2_grpc.add_TestServiceServicer_to_server(TestService(), server)
    orca_pb2_grpc.add_OpenRcaServiceServicer_to_server(LoadReports(), server)
    credentials = grpc.ssl_server_credentials([identity])
    print(server.add_secure_port(f"127.0.0.1:{arguments.port}", credentials), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(30).wait()


main()
