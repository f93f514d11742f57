"""Which fault when: a plan from a seed, carried out one after the other while clients send."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.faults.ledger import Ledger
from tests.faults.target import LOOK_EVERY_S, Stuck, Target
from tests.faults.workload import MARK_IN_BYTES

# A healthy consumer stores again within this time after a kill (O9).
PROGRESS_TIMEOUT_S = 30.0
# So long a kill waits for the moment it aims at.
AIM_S = 2.0


@dataclass
class Faults:
    """The faults of one run. `counts` says how many of each kind, `gap_s` the longest wait before
    each, so that it comes at a random moment.
    """

    target: Target
    ledger: Ledger
    seed: int
    counts: dict[str, int]
    gap_s: float = 1.0
    done: Counter[str] = field(default_factory=Counter)
    slowest_progress_s: float = 0.0
    rebuilds_s: list[float] = field(default_factory=list)
    moments: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}/faults")
        self._acts: dict[str, Callable[[random.Random], None]] = {
            "consumer": self._kill_consumer,
            "valkey": self.target.kill_valkey,
            "web": self.target.kill_web,
            "postgres": self.target.restart_postgres,
            "flushall": self._flush_all,
        }
        self._stood: list[Any] | None = None

    def run(self, deadline: float) -> Iterator[str]:
        """Do them in a random order, yielding the kind of each when it is done.

        Each comes only after something was stored since the one before: a consumer that is killed
        before it did anything proves nothing. Ends early at `deadline` (monotonic); raises `Stuck`.
        """
        plan = [kind for kind, count in self.counts.items() for _ in range(count)]
        self._random.shuffle(plan)
        for kind in plan:
            if time.monotonic() > deadline:
                return
            self._wait_for_progress()
            time.sleep(self._random.uniform(0, self.gap_s))  # the random moment itself
            self._acts[kind](self._random)
            self._stood = self._positions()
            self.done[kind] += 1
            yield kind

    def _wait_for_progress(self) -> None:
        started = time.monotonic()
        while self._positions() in (None, self._stood):
            if time.monotonic() - started > PROGRESS_TIMEOUT_S:
                raise Stuck(f"nothing stored for {PROGRESS_TIMEOUT_S:g} s after {dict(self.done)}")
            self.target.tend()
            time.sleep(LOOK_EVERY_S)
        self.slowest_progress_s = max(self.slowest_progress_s, time.monotonic() - started)

    def _kill_consumer(self, chance: random.Random) -> None:
        """At any moment, or where it hurts: inside a store transaction, or just after its end."""
        aim = chance.choice(("any", "inside", "after"))
        before, end = self._positions(), time.monotonic() + AIM_S
        while aim != "any" and time.monotonic() < end:
            if self.target.is_storing() if aim == "inside" else self._positions() != before:
                break
        if moment := self.target.kill_consumer(chance):
            self.moments[moment] += 1

    def _positions(self) -> list[Any] | None:
        try:
            return self.target.positions()
        except psycopg.OperationalError:  # just restarted
            return None

    def _flush_all(self, _chance: random.Random) -> None:
        marks = {
            found.decode()
            for payload in self.target.flush_all()
            for found in MARK_IN_BYTES.findall(payload)
        }
        self.ledger.lose(marks)
        started = time.monotonic()
        self.target.product.wait_until_ready()
        self.rebuilds_s.append(time.monotonic() - started)
