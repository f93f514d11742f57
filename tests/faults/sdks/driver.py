"""A driver program: an SDK's buffer in a process of its own, told what to take, watched closely."""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.faults.target import Stuck, wait_until
from tests.faults.workload import Customer
from tests.sdks.installed import Installed

PROGRAMS = Path(__file__).parent / "drivers"
# By client: the language whose SDK it is of.
CLIENTS = {
    "go": "go",
    "python": "python",
    "python-sync": "python",
    "typescript": "typescript",
}
END_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Form:
    """How a buffer is made."""

    max_events: int = 10_000
    flush_events: int = 500
    flush_ms: int = 1_000


@dataclass(frozen=True)
class Sample:
    """What a driver told last: events taken, held, lost, the most ever held, tries."""

    taken: int = 0
    held: int = 0
    most: int = 0
    tries: int = 0
    lost: int = 0
    closed: str = ""

    @property
    def settled(self) -> int:
        """Events that the buffer took and holds no more."""
        return self.taken - self.held


class Driver:
    """The process. Start it from the thread that will kill the server: see `Target`."""

    def __init__(
        self, client: str, installed: Installed, url: str, customers: list[Customer], form: Form
    ) -> None:
        self.client, self.form = client, form
        # Not beside those of another client of the same SDK.
        self.wire = installed.project / f"{client}.wire"
        self.said = Sample()
        self.complaints: list[str] = []
        self.kib: list[int] = []
        command = installed.ready(PROGRAMS / f"volume{installed.ending}")
        self._process = subprocess.Popen(
            command,
            cwd=installed.project,
            env={
                **installed.env,
                "CLIENT": client,
                "BASE_URL": url,
                "TENANTS": ",".join(f"{one.id}={one.key}" for one in customers),
                "WIRE": str(self.wire),
                "MAX_EVENTS": str(form.max_events),
                "FLUSH_EVENTS": str(form.flush_events),
                "FLUSH_MS": str(form.flush_ms),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._threads = [
            threading.Thread(target=listen, args=(pipe,), daemon=True)
            for listen, pipe in ((self._hear, self._out), (self._complain, self._err))
        ]
        for thread in self._threads:
            thread.start()
        self.until(lambda said: bool(self.kib), "the driver speaks", END_TIMEOUT_S)
        self.idle_kib = max(self.kib)

    @property
    def _out(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def _err(self) -> IO[str]:
        assert self._process.stderr is not None
        return self._process.stderr

    def take(self, count: int) -> None:
        """Have it take so many more; does not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()

    def until(self, is_so: Callable[[Sample], bool], what: str, timeout_s: float) -> None:
        """Wait until what it tells is so; raises `Stuck`, with what it complained of."""

        def look() -> bool:
            assert self._process.poll() in (None, 0), self.complaints
            return is_so(self.said)

        try:
            wait_until(look, f"{self.client} {what}", timeout_s)
        except Stuck as stuck:
            raise Stuck(f"{stuck}; {self.said} {self.complaints[-5:]}") from None

    def begin_closing(self) -> None:
        """Have it close its buffer when it has taken all; does not wait."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def end(self) -> None:
        """Kill what is left of it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        for thread in self._threads:
            thread.join(10)

    def _hear(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                if kib := _peak_kib(self._process.pid):
                    self.kib.append(kib)
                self.said = Sample(**json.loads(line))

    def _complain(self, pipe: IO[str]) -> None:
        with pipe:
            self.complaints.extend(pipe)


def _peak_kib(pid: int) -> int:
    """The most memory that a process ever had, in KiB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) if found else 0
