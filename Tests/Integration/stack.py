"""The five processes under `kontor up`, as a foreign program sees them."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import grpc

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("identity", "organizations", "shop", "accounting", "gateway")


def free_port_range(count: int) -> int:
    """The first of `count` consecutive loopback ports that nothing listens on."""
    for first in range(20000 + (os.getpid() % 2000) * 10, 60000, 10):
        with contextlib.ExitStack() as sockets:
            try:
                for port in range(first, first + count):
                    taken = sockets.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", port))
                return first
            except OSError:
                continue
    raise RuntimeError("no free ports")


class Stack:
    """One running stack in a folder of its own."""

    def __init__(self, folder: Path, binaries: Path | None = None, arguments: tuple[str, ...] = ()):
        self.folder = folder
        binaries = binaries or Path(os.environ.get("STACK_EXECUTABLES", ROOT / ".build" / "debug"))
        self.kontor = binaries / "kontor"
        self.arguments = arguments
        self.port = free_port_range(len(SERVICES))
        self.process: subprocess.Popen | None = None

    def start(self, timeout: float = 60) -> "Stack":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output = open(self.folder.with_suffix(".out"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.kontor, "up", "--data", self.folder, "--port", str(self.port), *self.arguments],
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        self.wait_until_serving(timeout)
        # Until then `kontor up` takes the end of a service for a failed start.
        deadline = time.monotonic() + timeout
        while "Kontor is ready" not in Path(self.output.name).read_text(encoding="utf-8"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"kontor up is not ready:\n{self.log()}")
            time.sleep(0.05)
        return self

    def wait_until_serving(self, timeout: float = 60) -> None:
        """Waits until `kontor status` finds all five services serving."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"kontor up ended with {self.process.returncode}:\n{self.log()}")
            if self.command("status").returncode == 0:
                return
            time.sleep(0.1)
        raise TimeoutError(f"not serving after {timeout} s:\n{self.command('status').stdout}\n{self.log()}")

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.kontor, *arguments, "--data", self.folder],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def log(self) -> str:
        """What `kontor up` and the services printed, for a failing test."""
        texts = [Path(self.output.name).read_text(encoding="utf-8")]
        for log in sorted((self.folder / "logs").glob("*.log")):
            texts.append(f"== {log.name}\n{log.read_text(encoding='utf-8')[-4000:]}")
        return "\n".join(texts)

    def pid(self, service: str) -> int:
        return int((self.folder / "run" / f"{service}.pid").read_text(encoding="utf-8"))

    def kill(self, service: str, number: int = signal.SIGKILL) -> bool:
        """Ends a process; by SIGKILL it gets no chance to tidy up. Whether there was one."""
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self.pid(service), number)
            return True
        return False

    def stop(self) -> int:
        """Ends the stack as Ctrl-C does, and returns the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.output.close()

    @property
    def authority(self) -> bytes:
        return (self.folder / "certificates" / "authority.pem").read_bytes()

    def channel(self) -> grpc.Channel:
        return grpc.secure_channel(
            f"localhost:{self.port}",
            grpc.ssl_channel_credentials(self.authority),
            options=[
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.max_reconnect_backoff_ms", 500),
            ],
        )

    def mails(self, address: str) -> list[email.message.EmailMessage]:
        """The mails to an address, oldest first."""
        found = []
        for path in sorted((self.folder / "mails").glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if address in message["To"]:
                found.append(message)
        return found

    def mailed_code(self, address: str, timeout: float = 15) -> str:
        """The eight digits of the newest mail to an address that has any."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for message in reversed(self.mails(address)):
                code = re.search(r"(?<!\d)\d{8}(?!\d)", message.get_content())
                if code:
                    return code.group()
            time.sleep(0.05)
        raise TimeoutError(f"no code mailed to {address}")
