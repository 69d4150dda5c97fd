"""Which cases are run between whom (grpc's doc/interop-test-descriptions.md)."""

from __future__ import annotations

CASES = [
    "empty_unary",
    "large_unary",
    "client_compressed_unary",
    "server_compressed_unary",
    "client_streaming",
    "client_compressed_streaming",
    "server_streaming",
    "server_compressed_streaming",
    "ping_pong",
    "empty_stream",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
    "pick_first_unary",
    "concurrent_large_unary",
    "rpc_soak",
    "channel_soak",
    "max_concurrent_streams_connection_scaling",
    "orca_per_rpc",
    "orca_oob",
]

SCALING = "max_concurrent_streams_connection_scaling"
# What cases need of their server and client besides.
SERVER_ARGUMENTS = {SCALING: ("--max_concurrent_streams=2",)}
CLIENT_ARGUMENTS = {
    SCALING: ('--service_config_json={"connectionScaling": {"maxConnectionsPerSubchannel": 2}}',)
}

# Client, server.
PAIRS = [
    ("kontor", "kontor"),
    ("grpcio", "kontor"),
    ("grpc++", "kontor"),
    ("kontor", "grpcio"),
    ("kontor", "grpc++"),
]

# Cases of the official list that no pair runs.
NOT_RUN = {
    "cacheable_unary": "needs GET requests and a caching proxy; gRPC over HTTP/2 is POST only",
    "compute_engine_creds, jwt_token_creds, oauth2_auth_token, per_rpc_creds, "
    "google_default_credentials, compute_engine_channel_credentials": "need a cloud's credentials",
}

# Cases that are run with less than the list asks for.
WEAKER = {
    "server_compressed_unary, server_compressed_streaming, grpcio client": "whether answers came "
    "compressed is hidden from grpcio's callers; only their content is compared",
    "reconnect": "our client alone, in test_odd_answers.py, with shorter waits, of which only the "
    "growth is looked at; the waits themselves have unit tests with a clock of their own",
    "orca_per_rpc, orca_oob": "the reports are looked at by the caller, in the trailers and on a "
    "stream of its own, as no client here has a load-balancing policy that takes them",
}

NO_FLAGS = "grpcio's server cannot see whether a message came compressed"
NO_REPORT = "this client keeps a call's report from its callers, for its own load balancing"
NO_PLAIN = "grpcio's client compresses all messages of a stream or none"

# What a peer's API cannot say, by the peer's role and the case.
ONE_CONNECTION = "this client has one connection to an address (gRFC A105 is an experiment there)"
_CLIENT_CANNOT = {
    ("grpcio", "client_compressed_streaming"): NO_PLAIN,
    ("grpcio", "orca_per_rpc"): NO_REPORT,
    ("grpcio", SCALING): ONE_CONNECTION,
    ("grpc++", "orca_per_rpc"): NO_REPORT,
    ("grpc++", SCALING): ONE_CONNECTION,
}
_SERVER_CANNOT = {
    ("grpcio", "client_compressed_unary"): NO_FLAGS,
    ("grpcio", "client_compressed_streaming"): NO_FLAGS,
}


def reason_against(client: str, server: str, case: str) -> str | None:
    """Why a case is not run between two, or None."""
    return _CLIENT_CANNOT.get((client, case)) or _SERVER_CANNOT.get((server, case))


def not_expressible():
    """Every case of a pair that is not run, with the reason."""
    for client, server in PAIRS:
        for case in CASES:
            if reason := reason_against(client, server, case):
                yield (client, server, case), reason


def runs():
    """Every case of every pair that is run."""
    return [
        (client, server, case)
        for client, server in PAIRS
        for case in CASES
        if not reason_against(client, server, case)
    ]
