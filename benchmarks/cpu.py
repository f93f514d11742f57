"""CPU time of process trees, from /proc: what a request costs, however busy the machine is."""

import os
import time
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat after the command: parent; user, system and reaped children's time.
PARENT, TIMES = 1, slice(11, 15)


def tree_s(root: int) -> float:
    """Seconds of CPU that a process, all below it and all they have outlived, used so far.

    Counted by the kernel in ticks of 10 ms: take it over seconds of load, not over single requests.
    """
    ticks, parents = {}, {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile; its parent reaped its time
        pid = int(entry.parent.name)
        parents[pid] = int(fields[PARENT])
        ticks[pid] = sum(int(field) for field in fields[TIMES])
    if root not in ticks:
        raise ProcessLookupError(f"process {root}, whose CPU is measured, is gone")
    return sum(ticks[pid] for pid in _tree(root, parents)) / TICKS_A_SECOND


def _tree(root: int, parents: dict[int, int]) -> set[int]:
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def busy_s() -> float:
    """Seconds that all cores together have been busy since the machine started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, *interrupts = (int(field) for field in fields[:7])
    return (user + nice + system + sum(interrupts)) / TICKS_A_SECOND


class Neighbours:
    """How much of the machine others used since this was made: what makes figures doubtful."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._others = busy_s() - tree_s(os.getpid())

    def share(self) -> float:
        """Of all cores, from 0 to 1."""
        others = busy_s() - tree_s(os.getpid()) - self._others
        elapsed = (time.monotonic() - self._begin) * (os.cpu_count() or 1)
        return max(0.0, others / elapsed) if elapsed else 0.0


class Meter:
    """CPU of several trees between two moments, by the name of each."""

    def __init__(self, roots: dict[str, int]) -> None:
        self._roots = roots
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {name: tree_s(root) for name, root in self._roots.items()}

    def spent_s(self) -> dict[str, float]:
        """Seconds of CPU of each tree since the meter was made."""
        now = self._now()
        return {name: now[name] - before for name, before in self._before.items()}
