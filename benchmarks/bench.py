"""What every goal is given: how much to do, what was asked for, and where to say how far it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.budgets import Figure
from benchmarks.progress import Progress


@dataclass(frozen=True)
class Bench:
    """One run of the benchmarks. A quick one shows that all works; its figures mean little."""

    is_quick: bool
    wanted: frozenset[str]
    progress: Progress

    def of(self, full: int, quick: int) -> int:
        """How many: in a full run, in a quick one."""
        return quick if self.is_quick else full

    def wants(self, *goals: str) -> bool:
        """Whether any of these goals was asked for."""
        return not self.wanted.isdisjoint(goals)

    def say(self, what: str) -> None:
        """One step of the running goal."""
        self.progress.say(what)


@dataclass(frozen=True)
class Group:
    """Goals that share servers and rounds, so that each is measured beside its baseline."""

    goals: tuple[str, ...]
    title: str
    run: Callable[[Bench], Iterator[Figure]]
