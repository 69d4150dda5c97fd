"""Generates the Python stubs from Proto/ and starts the stack."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
PROTO = FOLDER.parents[1] / "Proto"
sys.path.insert(0, str(FOLDER))


def _generate_stubs() -> None:
    import grpc_tools
    from grpc_tools import protoc

    output = tempfile.mkdtemp(prefix="kontor-stubs-")
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    sources = [str(path) for path in sorted((PROTO / "kontor").rglob("*.proto"))]
    options = [f"-I{PROTO}", f"-I{well_known}", f"--python_out={output}", f"--grpc_python_out={output}"]
    if protoc.main(["protoc", *options, *sources]) != 0:
        raise RuntimeError("the stubs could not be generated")
    sys.path.insert(0, output)


_generate_stubs()


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The stack that tests share; a test that kills or configures starts its own."""
    from stack import Stack

    running = Stack(tmp_path_factory.mktemp("stack") / "data").start()
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture(scope="session")
def customer(stack):
    """A customer with a pending order and nothing on the prepaid account."""
    from client import open_account

    client, _ = open_account(stack, "shared@example.org", "shared.ch")
    return client
