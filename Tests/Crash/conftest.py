"""The crash test works with the integration tests' stack and stubs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Integration"))

import stubs  # noqa: E402,F401  (generates the stubs)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="how many processes are killed")
    parser.addoption("--seed", type=int, default=None, help="repeats a run's choices")
    parser.addoption("--customers", type=int, default=4, help="how many customers are at work")
