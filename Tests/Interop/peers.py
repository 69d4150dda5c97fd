"""The programs that talk to each other: this project's, grpcio's and grpc++'s."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
PROTO = FOLDER / "Proto"
PROTOS = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
BINARIES = Path(os.environ.get("STACK_EXECUTABLES", ROOT / ".build" / "debug"))
# The name in the servers' certificate.
HOST = "localhost"
# Seconds for one case.
TIMEOUT = 60


def generate_python_stubs() -> None:
    """Makes grpcio's stubs, for this process and those that it starts.

    The package grpc.testing of the contract is grpcio's own package too, so the files are put in
    a package of another name; the names on the wire stay.
    """
    from grpc_tools import protoc

    output = Path(tempfile.mkdtemp(prefix="interop-stubs-"))
    source = output / "proto" / "interop_stubs"
    source.mkdir(parents=True)
    for name in PROTOS:
        text = (PROTO / name).read_text(encoding="utf-8")
        for folder in {str(Path(name).parent) for name in PROTOS}:
            text = text.replace(f'import "{folder}/', 'import "interop_stubs/')
        (source / Path(name).name).write_text(text)
    options = [f"-I{output / 'proto'}", f"--python_out={output}", f"--grpc_python_out={output}"]
    if protoc.main(["protoc", *options, *sorted(str(path) for path in source.iterdir())]) != 0:
        raise RuntimeError("the stubs could not be generated")
    sys.path.insert(0, str(output))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(output), str(FOLDER)])


def make_certificates(folder: Path) -> Path:
    """An authority and the certificates of a stack, one of which is for localhost."""
    subprocess.run([BINARIES / "kontor", "certificates", folder], check=True, capture_output=True)
    return folder


def compiled() -> Path:
    """The C++ program, compiled again where a source has changed."""
    own = sorted((FOLDER / "Peers" / "grpcpp").iterdir())
    digest = hashlib.sha256()
    for path in [*own, *(PROTO / name for name in PROTOS), Path(__file__)]:
        digest.update(path.read_bytes())
    cache = Path(os.environ.get("INTEROP_CACHE", ROOT / ".build" / "interop"))
    program = cache / f"grpcpp-{digest.hexdigest()[:16]}"
    if program.exists():
        return program
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        scratch = Path(folder)
        plugin = shutil.which("grpc_cpp_plugin")
        _run(
            ["protoc", f"-I{PROTO}", f"--cpp_out={scratch}", f"--grpc_out={scratch}"]
            + [f"--plugin=protoc-gen-grpc={plugin}", *PROTOS]
        )
        sources = [path for path in own if path.suffix == ".cpp"] + sorted(scratch.rglob("*.cc"))
        flags = ["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", f"-I{scratch}"]
        # The headers use Abseil, which the libraries name as what they need.
        libraries = ["-Wl,--copy-dt-needed-entries", "-lgrpc++", "-lgrpc", "-lprotobuf"]
        built = scratch / "peer"
        _run(["g++", *flags, *map(str, sources), "-o", str(built), *libraries])
        built.replace(program)
    return program


def _run(command: list[str]) -> None:
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{outcome.stdout}{outcome.stderr}")


def start_server(
    name: str, certificates: Path, port: int = 0, arguments: tuple[str, ...] = ()
) -> tuple[subprocess.Popen, int]:
    """Starts a server, which ends when its input does; returns it and its port."""
    process = subprocess.Popen(
        [
            *_program(name, "server"),
            f"--port={port}",
            f"--tls_cert_file={certificates / 'kontor-gateway.pem'}",
            f"--tls_key_file={certificates / 'kontor-gateway.key'}",
            *arguments,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, int(process.stdout.readline())


class Servers:
    """The servers, each started when it is first asked for. They end when their input does."""

    def __init__(self, certificates: Path):
        self.certificates = certificates
        self._running: dict[tuple[str, ...], tuple[subprocess.Popen, int]] = {}

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_) -> None:
        for process, _ in self._running.values():
            process.stdin.close()
        for process, _ in self._running.values():
            process.wait(30)

    def port(self, name: str, arguments: tuple[str, ...] = ()) -> int:
        """The port of a server with these arguments."""
        key = (name, *arguments)
        if key not in self._running:
            self._running[key] = start_server(name, self.certificates, arguments=arguments)
        process, port = self._running[key]
        assert process.poll() is None, f"the {name} server ended with {process.returncode}"
        return port


def client_command(name: str, case: str, port: int | str, certificates: Path) -> list[str]:
    """What runs one case of a client."""
    return [
        *_program(name, "client"),
        f"--server_host={HOST}",
        f"--server_port={port}",
        f"--test_case={case}",
        f"--tls_ca_file={certificates / 'authority.pem'}",
    ]


def run_client(
    name: str, case: str, port: int, certificates: Path, arguments: tuple[str, ...] = ()
) -> None:
    """Runs one case; fails with what the client says."""
    outcome = subprocess.run(
        [*client_command(name, case, port, certificates), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert outcome.returncode == 0, f"{case} failed:\n{outcome.stdout}{outcome.stderr}"


def _program(name: str, role: str) -> list[str]:
    match name:
        case "kontor":
            return [str(BINARIES / f"interop-{role}")]
        case "grpcio":
            return [sys.executable, str(FOLDER / "Peers" / f"grpcio_{role}.py")]
        case "grpc++":
            return [str(compiled()), role]
    raise ValueError(f"no peer {name}")
