"""Generates the Python stubs from Proto/ when it is imported."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

PROTO = Path(__file__).resolve().parents[2] / "Proto"


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
