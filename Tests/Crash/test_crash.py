"""Promise 4 and 5: what was answered survives SIGKILL at any instant, and is there once."""

from __future__ import annotations

import random

from crash import Killing
from stack import Stack


def test_processes_killed_at_random_instants_lose_and_double_nothing(tmp_path, pytestconfig):
    seed = pytestconfig.getoption("--seed")
    if seed is None:
        seed = random.randrange(2**32)
    print(f"seed {seed}")
    stack = Stack(tmp_path / "data").start()
    try:
        killing = Killing(stack, seed, pytestconfig.getoption("--customers"))
        killing.run(pytestconfig.getoption("--kills"))
        killing.verify()
        print(killing.summary())
        assert stack.stop() == 0, stack.log()
        assert stack.command("check", "--quiet").stdout == ""
    finally:
        stack.stop()
