"""CPU of process trees, as the kernel counts it."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks import cpu

BURN = "import time\nwhile time.process_time() < {}: pass"


def burn(seconds: float) -> None:
    subprocess.run([sys.executable, "-c", BURN.format(seconds)], check=True, timeout=60)


def test_the_time_of_children_counts_also_after_they_ended() -> None:
    meter = cpu.Meter({"us": os.getpid()})
    burn(0.2)
    assert meter.spent_s()["us"] >= 0.15


def test_the_time_of_living_grandchildren_counts() -> None:
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN.format(60)!r}])"
    parent = subprocess.Popen([sys.executable, "-c", program], process_group=0)
    try:
        while cpu.tree_s(parent.pid) < 0.3:  # ends by the test's own time-out if nothing is counted
            assert parent.poll() is None
    finally:
        os.killpg(parent.pid, 9)
        parent.wait(10)


def test_our_own_work_is_not_the_neighbours() -> None:
    begin, before = time.monotonic(), cpu.busy_s()
    neighbours = cpu.Neighbours()
    burn(0.5)
    others_s = neighbours.share() * (time.monotonic() - begin) * (os.cpu_count() or 1)
    assert 0 <= others_s <= cpu.busy_s() - before - 0.4


def test_a_subject_that_is_gone_is_an_error_and_not_a_cheap_one() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    with pytest.raises(ProcessLookupError, match=str(ended.pid)):
        cpu.Meter({"web": ended.pid})
