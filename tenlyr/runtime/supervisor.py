"""Children in order: started, watched, restarted when they crash, stopped in reverse (ADR-0010)."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from tenlyr.runtime.processes import signal_group, spawn

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
HEALTHY_AFTER_S = 30.0
LOOK_EVERY_S = 0.1
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)


class Child(Protocol):
    """What the supervisor looks after."""

    name: str
    process: "subprocess.Popen[bytes] | None"

    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass
class Command:
    """A child that is one command of ours, with a process group of its own.

    `grace_s` is how long it may take to leave after SIGTERM.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    say: Callable[[str, str], None]
    grace_s: float = 15.0
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start, and pass on what it prints."""
        self.process = spawn(
            self.command, cwd=self.cwd, env=self.env, stdout=subprocess.PIPE, on_orphaned=15
        )
        output = self.process.stdout
        threading.Thread(target=self._pass_on, args=(output,), daemon=True).start()

    def stop(self) -> None:
        """Ask it to leave; after its grace the whole group is ended."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(self.grace_s)
            except subprocess.TimeoutExpired:
                self.say(self.name, "did not leave in time and is ended")
        self.bury()

    def bury(self) -> None:
        """End what is left of the group: a web server's workers outlive its main process."""
        if self.process is not None:
            signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def _pass_on(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self.say(self.name, line.decode(errors="replace").rstrip())


@dataclass
class _Watched:
    child: Child
    started: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    due: float = 0.0


@dataclass
class Supervisor:
    """Starts children in order, restarts the crashed ones, stops all in reverse."""

    say: Callable[[str, str], None]
    watched: list[_Watched] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def add(self, child: Child) -> None:
        """Start a child now and watch it from now on; raises what its start raises."""
        watched = _Watched(child)
        self.watched.append(watched)
        child.start()
        watched.started = time.monotonic()

    def watch(self) -> None:
        """Look after the children until `stopping` is set."""
        while not self.stopping.wait(LOOK_EVERY_S):
            self.look()

    def look(self) -> None:
        """Look at each child once: note the crashed, start those whose pause is over."""
        for watched in self.watched:
            self._look_at(watched)

    def stop(self) -> None:
        """Stop all children, the last started first."""
        self.stopping.set()
        for watched in reversed(self.watched):
            watched.child.stop()

    def _look_at(self, watched: _Watched) -> None:
        child, now = watched.child, time.monotonic()
        if child.process is None or child.process.poll() is None:
            if now - watched.started > HEALTHY_AFTER_S:
                watched.pause_s = FIRST_PAUSE_S
            return
        if not watched.due:
            self.say(child.name, f"ended with {child.process.returncode}, is started again")
            if isinstance(child, Command):
                child.bury()
            watched.due = now + watched.pause_s
            watched.pause_s = min(2 * watched.pause_s, LONGEST_PAUSE_S)
        elif now >= watched.due:
            self._restart(watched)

    def _restart(self, watched: _Watched) -> None:
        watched.due, watched.started = 0.0, time.monotonic()
        try:
            watched.child.start()
        except Exception as error:  # a start that fails is tried again, like a crash
            self.say(watched.child.name, f"did not start: {error}")


def printer() -> Callable[[str, str], None]:
    """Prints a child's line behind its name, in colour on a terminal."""
    lock = threading.Lock()
    colours: dict[str, int] = {}

    def say(name: str, line: str) -> None:
        with lock:
            colour = colours.setdefault(name, COLOURS[len(colours) % len(COLOURS)])
            shown = f"\x1b[{colour}m{name:<9}\x1b[0m" if sys.stdout.isatty() else f"{name:<9}"
            sys.stdout.write(f"{shown} | {line}\n")
            sys.stdout.flush()

    return say


def python(*arguments: str) -> list[str]:
    """A command of this virtual environment's Python."""
    return [sys.executable, *arguments]


def environment(**settings: str) -> dict[str, str]:
    """Our own environment with settings added, and the virtual environment's programs first."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **settings}
