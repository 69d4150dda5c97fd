"""gRPC's interoperability cases, between this runtime and grpc's own in Python and C++."""

from __future__ import annotations

import cases
import peers
import pytest


@pytest.mark.parametrize("client,server,case", cases.runs())
def test_case(servers, client, server, case):
    port = servers.port(server, cases.SERVER_ARGUMENTS.get(case, ()))
    peers.run_client(
        client, case, port, servers.certificates, cases.CLIENT_ARGUMENTS.get(case, ())
    )
