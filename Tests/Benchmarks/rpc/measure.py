"""What a call costs, measured from outside: the servers' processor time by the kernel's clock."""

from __future__ import annotations

import argparse
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SERVICE = "/kontor.benchmark.v1.EchoService/"
SERVER_CORE, LOAD_CORE = 0, 1
IDLE_CONNECTIONS = 10_000


@dataclass
class Shape:
    """A way to load a server: how many calls on how many connections, and which."""

    name: str
    method: str
    connections: int
    streams: int
    calls: int
    body: str = "echo"
    #: What one call brings, for shapes whose cost is counted by message.
    messages: int = 1
    #: Whether it is also measured with a handler that suspends.
    has_later: bool = False


SHAPES = [
    Shape("8 connections x 32 calls", "Echo", 8, 32, 64_000, has_later=True),
    Shape("100 connections x 10 calls", "Echo", 100, 10, 60_000, has_later=True),
    Shape("1 connection x 1 call", "Echo", 1, 1, 6_000, has_later=True),
    Shape("list of 100, 8 x 8", "List", 8, 8, 4_000, "list"),
    Shape("stream, per message", "Count", 1, 1, 1, "count", messages=100_000),
]


def varint(number: int) -> bytes:
    result = b""
    while number > 127:
        result += bytes([number & 127 | 128])
        number >>= 7
    return result + bytes([number])


def text(field: int, value: str) -> bytes:
    return bytes([field << 3 | 2]) + varint(len(value)) + value.encode()


def write_requests(folder: Path) -> None:
    """The requests behind gRPC's prefix, as the load generators send them."""
    echo = text(1, "req-0123456789abcdef") + text(2, "hello gRPC benchmark world")
    echo += b"\x18" + varint(12_345) + b"\x20" + varint(1_700_000_000_000)
    messages = {"echo": echo, "list": b"\x08" + varint(100), "count": b"\x08" + varint(100_000)}
    for name, message in messages.items():
        prefix = b"\0" + len(message).to_bytes(4, "big")
        (folder / f"{name}.request").write_bytes(prefix + message)


class Server:
    """A server of the benchmark on the core for servers."""

    def __init__(self, name: str, command: list[str], folder: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name = name
        self.folder = folder
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        with open(folder / f"{name}.log", "wb") as log:
            self.process = subprocess.Popen(
                [*command, str(self.port), str(certificate), str(key)],
                stdout=log, stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}))
        self.wait()

    def wait(self) -> None:
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{self.name} does not listen: see {self.folder / (self.name + '.log')}")

    def processor_time(self) -> float:
        """Microseconds so far, user and system, of all threads (clock_getcpuclockid)."""
        return time.clock_gettime_ns(~self.process.pid << 3 | 2) / 1e3

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def on_load_core(command: list[str], **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}), **options)


def load(server: Server, shape: Shape, calls: int, method: str) -> tuple[float, list[int]]:
    """Microseconds of the server per call (or message), and the calls' durations."""
    log = server.folder / "h2load.log"
    log.unlink(missing_ok=True)
    before = server.processor_time()
    result = on_load_core([
        "h2load", "-n", str(calls), "-c", str(shape.connections), "-m", str(shape.streams),
        "-t", "1", "-w", "20", "-W", "24", f"--log-file={log}",
        "-d", str(server.folder / f"{shape.body}.request"),
        "-H", "content-type: application/grpc", "-H", "te: trailers",
        f"https://127.0.0.1:{server.port}{SERVICE}{method}"])
    used = server.processor_time() - before
    if f"{calls} succeeded" not in result.stdout or f" {calls} 2xx" not in result.stdout:
        sys.exit(f"{server.name}, {shape.name}: not every call was answered\n{result.stdout}")
    durations = [int(line.split("\t")[2]) for line in log.read_text().splitlines()]
    return used / calls / shape.messages, durations


def connect(server: Server, calls: int) -> float:
    """Microseconds of the server per new connection with one call."""
    before = server.processor_time()
    result = on_load_core([
        str(server.folder / "client"), "calls", str(server.port),
        str(server.folder / "echo.request"), str(calls), "16"])
    if result.returncode != 0:
        sys.exit(f"{server.name}: {result.stdout}{result.stderr}")
    return (server.processor_time() - before) / calls


def idle_bytes(server: Server, connections: int) -> float:
    """Bytes of the server per open connection without calls."""
    before = server.resident_bytes()
    client = subprocess.Popen(
        [str(server.folder / "client"), "hold", str(server.port), str(connections)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}))
    line = client.stdout.readline()
    used = server.resident_bytes() - before
    client.communicate("")
    if f"{connections} done, 0 failed" not in line:
        sys.exit(f"{server.name}: not every idle connection was made: {line}")
    return used / connections


def raise_file_limit(wanted: int) -> int:
    """Lets this process and its children open so many files, or as many as the system lets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        return wanted
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard


def percentile(values: list[int], part: float) -> int:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def print_row(label: str, cells: list[tuple[str, float]], unit: str, base: str = "floor") -> None:
    """One line of figures, each but that of `base` with its ratio to it."""
    reference = next((value for name, value in cells if name == base), None)
    columns = []
    for name, value in cells:
        ratio = f" ({value / reference:.2f}x)" if reference and name != base else ""
        columns.append(f"{name} {value:.2f}{ratio}" if value < 100 else f"{name} {value:.0f}{ratio}")
    print(f"{label:28} {unit:3} " + "   ".join(columns), flush=True)


def measure_calls(servers: list[Server], runs: int, part: int) -> None:
    print("Processor time of the server per call, user and system; median of "
          f"{runs} runs in turn")
    for shape in SHAPES:
        calls = max(1, shape.calls // part)
        figures: dict[str, list[float]] = {}
        durations: dict[str, list[int]] = {}
        for _ in range(runs):
            for server in servers:
                variants = [(server.name, shape.method)]
                if shape.has_later and server.name == "kontor":
                    variants.append(("kontor suspending", "EchoLater"))
                for name, method in variants:
                    cost, times = load(server, shape, calls, method)
                    figures.setdefault(name, []).append(cost)
                    durations.setdefault(name, []).extend(times)
        print_row(shape.name, [(n, statistics.median(v)) for n, v in figures.items()], "µs")
        if shape.connections == 1 and shape.messages == 1:
            latencies = [f"{n} {percentile(v, 0.5)}/{percentile(v, 0.99)}"
                         for n, v in durations.items()]
            print(f"{'  its duration, p50/p99':28} µs  " + "   ".join(latencies))
    costs = {server.name: [] for server in servers}
    for _ in range(runs):
        for server in servers:
            costs[server.name].append(connect(server, 1500 // part))
    print_row("new connection and one call",
              [(n, statistics.median(v)) for n, v in costs.items()], "µs")


def measure_memory(commands: dict[str, list[str]], folder: Path) -> None:
    connections = min(IDLE_CONNECTIONS, raise_file_limit(IDLE_CONNECTIONS + 200) - 200)
    cells = []
    for name in ("floor", "kontor"):
        server = Server(name, commands[name], folder)
        # What the first connections bring that later ones share is not counted.
        connect(server, 50)
        cells.append((name, idle_bytes(server, connections) / 1024))
        server.stop()
    print_row(f"idle connection, of {connections}", cells, "KiB")


def measure_messages(programs: dict[str, str], runs: int, part: int) -> None:
    """Nanoseconds to read and to write the same messages; each program prints what it read or
    wrote, summed up, which must agree."""
    for work, repetitions in (("decode", 1_000_000), ("encode", 1_000_000),
                              ("decode-list", 10_000), ("encode-list", 10_000)):
        figures: dict[str, list[float]] = {}
        sums: set[str] = set()
        for _ in range(runs):
            for name, program in programs.items():
                result = on_load_core([program, "messages", work, str(repetitions // part)])
                if result.returncode != 0:
                    sys.exit(f"{name}, {work}: {result.stdout}{result.stderr}")
                time_per_message, _, total = result.stdout.split()
                figures.setdefault(name, []).append(float(time_per_message))
                sums.add(total)
        if len(sums) != 1:
            sys.exit(f"{work}: the programs did not read or write the same messages: {sums}")
        print_row(work, [(n, statistics.median(v)) for n, v in figures.items()], "ns",
                  base="swift-protobuf")


def soak(command: list[str], folder: Path, minutes: int) -> None:
    """Load of every shape for some minutes; prints memory about twice a minute."""
    server = Server("kontor", command, folder)
    began, printed = time.monotonic(), -30.0
    while (passed := time.monotonic() - began) < minutes * 60:
        if passed - printed >= 30:
            print(f"{passed:5.0f} s  {server.resident_bytes() / 1024 / 1024:7.1f} MiB", flush=True)
            printed = passed
        for shape in SHAPES:
            load(server, shape, max(1, shape.calls // 10), shape.method)
        load(server, SHAPES[0], SHAPES[0].calls // 10, "EchoLater")
        connect(server, 300)
    print(f"{minutes * 60:5.0f} s  {server.resident_bytes() / 1024 / 1024:7.1f} MiB")
    server.stop()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("program")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--soak", type=int, metavar="MINUTES")
    options = parser.parse_args()
    folder = options.folder
    write_requests(folder)
    commands = {"floor": [str(folder / "floor")], "kontor": [options.program, "serve"]}
    if options.soak:
        soak(commands["kontor"], folder, options.soak)
        return
    programs = {"kontor": options.program}
    if "grpc-c++" in options.peer:
        commands["grpc-c++"] = [str(folder / "grpc-c++")]
    if "grpc-swift" in options.peer:
        binary = str(folder / "grpc-swift" / "release" / "server")
        commands["grpc-swift"] = [binary]
        programs["swift-protobuf"] = binary
    runs, part = options.runs or (3 if options.quick else 5), 2 if options.quick else 1
    servers = [Server(name, command, folder) for name, command in commands.items()]
    try:
        for server in servers:
            load(server, SHAPES[0], 4_000, "Echo")
        measure_calls(servers, runs, part)
    finally:
        for server in servers:
            server.stop()
    measure_memory(commands, folder)
    measure_messages(programs, runs, part)


if __name__ == "__main__":
    main()
