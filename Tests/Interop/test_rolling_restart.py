"""Two replicas of a server, drained and started again one after the other under load: no call fails.

No call waits for readiness, and on our servers nothing is tried again by a policy: what a server
leaves undone when it goes away, its GOAWAY says, and the client makes it again by itself.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import peers
import pytest

RESTARTS = 4
ROUND_ROBIN = {"loadBalancingConfig": [{"round_robin": {}}]}
# grpc's own servers answer calls that come between their shutdown and their GOAWAY with CANCELLED, or
# close the connection without having read them. No client may take either for "not processed": only
# a policy helps there.
LEFT_OUT_IS_RETRIED = ROUND_ROBIN | {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.01s",
                "maxBackoff": "0.1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["CANCELLED", "UNAVAILABLE"],
            },
        }
    ]
}


class Replicas:
    """Two servers on ports that stay theirs: outside the range that the system hands out."""

    def __init__(self, name: str, certificates):
        self.name, self.certificates = name, certificates
        self.running: list[tuple[subprocess.Popen, int]] = []
        for port in random.sample(range(20_000, 30_000), 100):
            try:
                self.running.append(peers.start_server(name, certificates, port))
            except ValueError:
                continue  # The port is taken: the server printed none.
            if len(self.running) == 2:
                break

    @property
    def ports(self) -> list[int]:
        return [port for _, port in self.running]

    def restart(self, place: int) -> None:
        process, port = self.running[place]
        self._stop(process)
        self.running[place] = peers.start_server(self.name, self.certificates, port)

    @staticmethod
    def _stop(process: subprocess.Popen) -> None:
        process.stdin.close()
        assert process.wait(60) == 0

    def __enter__(self) -> "Replicas":
        return self

    def __exit__(self, *_) -> None:
        for process, _ in self.running:
            self._stop(process)


def restart_in_turn(replicas: Replicas, next_new_server) -> None:
    """Restarts the replicas in turn, each when the one before has calls again."""
    for _ in range(2):
        next_new_server()
    for restart in range(RESTARTS):
        replicas.restart(restart % 2)
        next_new_server()


@pytest.mark.parametrize(
    "server,config",
    [
        ("kontor", ROUND_ROBIN),
        ("grpcio", LEFT_OUT_IS_RETRIED),
        ("grpc++", LEFT_OUT_IS_RETRIED),
    ],
)
def test_no_call_of_ours_is_lost(certificates, server, config):
    with Replicas(server, certificates) as replicas:
        ports = ",".join(map(str, replicas.ports))
        client = subprocess.Popen(
            [
                *peers.client_command("kontor", "rolling_restart", ports, certificates),
                f"--service_config_json={json.dumps(config)}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        seen: list[str] = []

        def next_new_server() -> None:
            line = client.stdout.readline()
            seen.append(line)
            # The client ends at the first call that fails, and says which.
            assert client.poll() is None and not line.startswith("rolling_restart"), line

        restart_in_turn(replicas, next_new_server)
        client.stdin.close()
        rest = client.stdout.read()
        assert client.wait(60) == 0, rest
        assert len(set(seen)) == 2 + RESTARTS


def test_no_call_of_grpcio_is_lost_on_our_servers(certificates):
    from interop_stubs import messages_pb2, test_pb2_grpc

    with Replicas("kontor", certificates) as replicas:
        addresses = ",".join(f"127.0.0.1:{port}" for port in replicas.ports)
        authority = (certificates / "authority.pem").read_bytes()
        options = [
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.ssl_target_name_override", peers.HOST),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
        ]
        seen: set[str] = set()
        changed = threading.Condition()
        is_over = threading.Event()
        expected = [0]

        def call(stub) -> None:
            request = messages_pb2.SimpleRequest(response_size=1, fill_server_id=True)
            stream = messages_pb2.StreamingInputCallRequest(
                payload=messages_pb2.Payload(body=bytes(1000))
            )
            try:
                while not is_over.is_set():
                    server = stub.UnaryCall(request).server_id
                    with changed:
                        seen.add(server)
                        changed.notify_all()
                    assert stub.StreamingInputCall(iter([stream] * 3)).aggregated_payload_size == 3000
            finally:
                is_over.set()

        def next_new_server() -> None:
            expected[0] += 1
            with changed:
                while len(seen) < expected[0] and not is_over.is_set():
                    changed.wait(1)

        credentials = grpc.ssl_channel_credentials(authority)
        with (
            grpc.secure_channel(f"ipv4:{addresses}", credentials, options=options) as channel,
            ThreadPoolExecutor(6) as pool,
        ):
            stub = test_pb2_grpc.TestServiceStub(channel)
            calls = [pool.submit(call, stub) for _ in range(6)]
            restart_in_turn(replicas, next_new_server)
            is_over.set()
            for done in calls:
                done.result(60)
        assert len(seen) == 2 + RESTARTS
