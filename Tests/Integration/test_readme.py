"""The README's first call works as it is printed."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from stack import ROOT


def test_the_call_by_reflection_of_the_readme_works(stack):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    program = next(block for block in blocks if "ProtoReflectionDescriptorDatabase" in block)
    program = program.replace(".kontor/certificates", f"{stack.folder}/certificates")
    program = program.replace("localhost:8443", f"localhost:{stack.port}")
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "planId" in answer.stdout


def test_the_first_call_of_the_readme_works(stack, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    program = next(block for block in blocks if "CatalogueService" in block)
    commands = next(
        block for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "grpc_tools" in block
    )
    protoc = next(line for line in commands.splitlines() if "grpc_tools.protoc" in line)
    program = program.replace(".kontor/certificates", f"{stack.folder}/certificates")
    program = program.replace("localhost:8443", f"localhost:{stack.port}")
    protoc = protoc.replace("python3", sys.executable).replace("--python_out=.", f"--python_out={tmp_path}")
    protoc = protoc.replace("--grpc_python_out=.", f"--grpc_python_out={tmp_path}")
    subprocess.run(["bash", "-c", protoc], cwd=ROOT, check=True, timeout=60)
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "web-hosting" in answer.stdout


def test_the_swift_client_walks_the_same_path(stack):
    program = stack.kontor.parent / "path-client"
    if not program.exists():
        pytest.fail("path-client is not built")
    walk = subprocess.run(
        [
            program,
            "--endpoint",
            f"localhost:{stack.port}",
            "--authority",
            stack.folder / "certificates" / "authority.pem",
            "--mails",
            stack.folder / "mails",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert walk.returncode == 0, walk.stdout + walk.stderr
