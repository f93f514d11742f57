"""A customer's program that tracks one event after the other at a given rate, come what may.

An open loop in a process of its own: a call's time counts from the moment it was due, and a slow
one holds up no other. Spec as JSON on the first line of stdin; when stdin ends, so does the
tracking, and the result is printed as JSON.
"""

import gc
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.bigmove.events import TRACKED, Events
from tests.faults.calls import Connection, NoAnswer

CALLERS = 16
PATIENCE_S = 60.0
PATH = "/api/v1/usage/track"


@dataclass(frozen=True)
class Spec:
    """Whom to call as whom, how often; the events' prefix."""

    port: int
    key: str
    prefix: str
    per_s: float


@dataclass(frozen=True)
class Result:
    """`waits` has the moment at which each call was due (monotonic) and the seconds it took from
    then; `missed` those that were not answered 201, each with what was.
    """

    sent: int
    waits: list[tuple[float, float]]
    missed: list[tuple[int, str]]


class Tracker:
    """The program, from the test's side."""

    def __init__(self, spec: Spec) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.bigmove.tracking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        if self._process.stdin is None:
            raise RuntimeError("no way in")
        self._process.stdin.write(json.dumps(asdict(spec)) + "\n")
        self._process.stdin.flush()

    def finish(self) -> Result:
        """End it; what it saw."""
        said, _ = self._process.communicate(timeout=120)
        told = json.loads(said)
        waits = [(due, taken) for due, taken in told["waits"]]
        return Result(told["sent"], waits, [(one, what) for one, what in told["missed"]])

    def abandon(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.communicate()


class Callers:
    """Threads that share one row of due moments."""

    def __init__(self, spec: Spec) -> None:
        self._spec, self._events = spec, Events(spec.prefix, 0)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._began, self._given = time.monotonic(), 0
        self._waits: list[tuple[float, float]] = []
        self._missed: list[tuple[int, str]] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(CALLERS)]

    def run(self, until: Iterator[Any]) -> Result:
        """Track until the iterator ends."""
        for thread in self._threads:
            thread.start()
        for _ in until:
            pass
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return Result(self._given, self._waits, self._missed)

    def _run(self) -> None:
        connection = Connection(self._spec.port, timeout_s=PATIENCE_S)
        while True:
            with self._lock:
                if self._stop.is_set():
                    break
                number, self._given = self._given, self._given + 1
            due = self._began + number / self._spec.per_s
            time.sleep(max(0.0, due - time.monotonic()))
            said = self._call(connection, number)
            self._waits.append((due, time.monotonic() - due))
            if said:
                self._missed.append((number, said))
        connection.close()

    def _call(self, connection: Connection, number: int) -> str:
        body = json.loads(self._events.body(TRACKED + number))
        try:
            reply = connection.post(PATH, body, key=self._spec.key)
        except NoAnswer as error:
            return str(error)
        return "" if reply.status == 201 else f"{reply.status} {reply.code}"


def main() -> None:
    """Track until stdin ends."""
    spec = Spec(**json.loads(sys.stdin.readline()))
    gc.freeze()
    result = Callers(spec).run(iter(sys.stdin))
    sys.stdout.write(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
