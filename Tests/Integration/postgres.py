"""A PostgreSQL server of the tests' own, on a socket in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def programs() -> Path | None:
    """The folder with initdb and postgres; None where PostgreSQL is not installed."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    found = shutil.which("initdb")
    return versions[-1].parent if versions else Path(found).parent if found else None


def require_postgres() -> Path:
    """Leaves the test out where PostgreSQL is missing, but not in continuous integration."""
    found = programs()
    if found is None:
        message = "PostgreSQL is not installed (Debian package postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


class PostgresServer:
    """One server, with durable commits, that tests may kill and start again."""

    def __init__(self, *settings: str) -> None:
        self.programs = require_postgres()
        self.settings = settings
        self.process: subprocess.Popen | None = None
        # A socket's path has to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="kontor-postgres-"))
        # PostgreSQL refuses to run as root.
        self.prefix: list[str] = []
        if os.getuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self.folder, user)
            group = pwd.getpwnam(user).pw_gid
            # Not by subprocess's `user`, which forks: gRPC's threads do not survive that.
            self.prefix = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        self._run(
            "initdb", "--pgdata", self.folder / "data", "--username", "kontor", "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
        )  # fmt: skip
        self.start()

    def _command(self, program: str, *arguments: str | Path) -> dict:
        return {
            "args": [*self.prefix, self.programs / program, *arguments],
            "cwd": self.folder,
        }

    def _run(self, program: str, *arguments: str | Path) -> str:
        result = subprocess.run(
            **self._command(program, *arguments), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            "shared_buffers=32MB",
            *self.settings,
        ]
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                **self._command(
                    "postgres", "-D", "data", *(word for text in settings for word in ("-c", text))
                ),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                self.query("SELECT 1")
                return
            except AssertionError:
                time.sleep(0.1)
        raise TimeoutError(self.log())

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """Names the server, no database."""
        return f"postgres://kontor@/?host={self.folder}"

    def query(self, text: str, database: str = "postgres") -> list[list[str]]:
        """The rows that a query returns, as text."""
        output = self._run(
            "psql", "--host", self.folder, "--username", "kontor", "--no-psqlrc", "--tuples-only",
            "--no-align", "--field-separator", "\t", "--command", text, database,
        )  # fmt: skip
        return [line.split("\t") for line in output.splitlines() if line]

    @contextlib.contextmanager
    def session(self, text: str) -> Iterator[None]:
        """A connection that has run some statements and stays until the block ends."""
        process = subprocess.Popen(
            **self._command(
                "psql", "--host", self.folder, "--username", "kontor", "--no-psqlrc", "--quiet",
                "--tuples-only", "postgres",
            ),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            process.stdin.write(f"{text};\n\\echo done\n")
            process.stdin.flush()
            while (line := process.stdout.readline()) != "done\n":
                assert line, "psql has ended"
            yield
        finally:
            process.communicate("\\q\n")

    def kill(self) -> None:
        """SIGKILL for the server; returns when its other processes have found it gone and ended."""
        processes = self._processes()
        self.process.kill()
        self.process.wait()
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{process}").exists() for process in processes):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def pause(self) -> None:
        """Stops every process of the server, so that it is reachable and says nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            # A connection's process may have ended since it was listed.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [self.process.pid, *map(int, children.read_text(encoding="utf-8").split())]

    def stop(self) -> None:
        """Ends the server and removes its folder."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
