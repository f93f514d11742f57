"""CPU of process trees, as the kernel counts it."""

import os
import subprocess
import sys
from types import SimpleNamespace

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


def test_our_own_work_is_not_the_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 8 s that two cores worked within 5 s we had 6."""
    now, busy_s, ours_s = [100.0], [1_000.0], [50.0]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(cpu, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(cpu, "busy_s", lambda: busy_s[0])
    monkeypatch.setattr(cpu, "tree_s", lambda root: {os.getpid(): ours_s[0]}[root])
    neighbours = cpu.Neighbours()
    assert neighbours.share() == 0
    now[0], busy_s[0], ours_s[0] = 105.0, 1_008.0, 56.0
    assert neighbours.share() == pytest.approx(0.2)
    ours_s[0] = 58.5  # the kernel counts both in ticks, and not at one moment
    assert neighbours.share() == 0


def test_what_all_cores_did_grows_by_what_a_child_does() -> None:
    before = cpu.busy_s()
    while cpu.busy_s() == before:  # ends by the test's own time-out if nothing is counted
        burn(0.1)
    assert cpu.busy_s() > before


def test_a_subject_that_is_gone_is_an_error_and_not_a_cheap_one() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    with pytest.raises(ProcessLookupError, match=str(ended.pid)):
        cpu.Meter({"web": ended.pid})
