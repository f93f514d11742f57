"""Children in order: started, watched, restarted when they crash, stopped in reverse (ADR-0010)."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO

from tenlyr.runtime.children import Child
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.processes import MARK, spawn

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
HEALTHY_AFTER_S = 30.0
LOOK_EVERY_S = 0.1
# `kill -TERM` reaches us once from the terminal's group and once from make: that is one request.
SAME_REQUEST_S = 1.0
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)


class Stopping(Exception):
    """We were asked to stop; raised wherever we are at the time."""


@dataclass
class Command(Child):
    """A child that is one command of ours.

    `grace_s` is how long it may take to leave after SIGTERM; neighbours of one `stage` leave at the
    same time.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    say: Callable[[str, str], None]
    grace_s: float = 15.0
    stage: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start, and pass on what it prints."""
        self.process = spawn(
            self.command,
            cwd=self.cwd,
            env=self.env,
            stdout=subprocess.PIPE,
            on_orphaned=self.stop_signal,
        )
        output = self.process.stdout
        threading.Thread(target=self._pass_on, args=(output,), daemon=True).start()

    def _pass_on(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                if text := line.decode(errors="replace").rstrip():
                    self.say(self.name, text)


@dataclass
class _Watched:
    child: Child
    stage: str
    started: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    due: float = 0.0


@dataclass
class Supervisor:
    """Starts children in order, restarts the crashed ones, stops all in reverse."""

    say: Callable[[str, str], None]
    watched: list[_Watched] = field(default_factory=list)
    asked_at: float = 0.0
    is_hurried: bool = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """In the block SIGINT, SIGTERM and SIGHUP raise `Stopping`; a second one hurries us."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup leaves it
            numbers.append(signal.SIGHUP)
        before = [(number, signal.signal(number, self._asked)) for number in numbers]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def add(self, child: Child) -> None:
        """Start a child now and watch it from now on; raises what its start raises."""
        watched = _Watched(child, getattr(child, "stage", "") or child.name)
        self.watched.append(watched)
        child.start()
        watched.started = time.monotonic()

    def watch(self) -> None:
        """Look after the children until we are asked to stop."""
        while not self.asked_at:
            self.look()
            time.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Look at each child once: note the crashed, start those whose pause is over."""
        for watched in self.watched:
            self._look_at(watched)

    def check(self) -> None:
        """During the start a child that ends is a reason to give up, not to try again."""
        for child in (watched.child for watched in self.watched):
            if child.process is not None and child.process.poll() is not None:
                raise StartFailed(f"{child.name} ended at once ({child.process.returncode}).")

    def stop(self) -> None:
        """Stop all children, the last started first; those of one stage at the same time."""
        self.asked_at = self.asked_at or time.monotonic()
        for _, group in groupby(reversed(self.watched), key=lambda one: one.stage):
            self._see_off([watched.child for watched in group])

    def _asked(self, _number: int, _frame: object) -> None:
        now = time.monotonic()
        if self.asked_at:
            self.is_hurried = self.is_hurried or now - self.asked_at > SAME_REQUEST_S
            return
        self.asked_at = now
        raise Stopping

    def _see_off(self, children: list[Child]) -> None:
        start = time.monotonic()
        for child in children:
            child.ask()
        for child in children:
            try:
                if not child.leave(partial(self._has_time, start + child.grace_s)):
                    self.say(child.name, "did not leave in time and is ended")
            except subprocess.TimeoutExpired:  # the others shall still leave in order
                self.say(child.name, "cannot be ended: the kernel holds it")

    def _has_time(self, end: float) -> bool:
        return time.monotonic() < end and not self.is_hurried

    def _look_at(self, watched: _Watched) -> None:
        child, now = watched.child, time.monotonic()
        if child.process is None or child.process.poll() is None:
            if now - watched.started > HEALTHY_AFTER_S:
                watched.pause_s = FIRST_PAUSE_S
            return
        if not watched.due:
            self.say(child.name, f"ended with {child.process.returncode}, is started again")
            child.bury()
            watched.due = now + watched.pause_s
            watched.pause_s = min(2 * watched.pause_s, LONGEST_PAUSE_S)
        elif now >= watched.due:
            self._restart(watched)

    def _restart(self, watched: _Watched) -> None:
        watched.due, watched.started = 0.0, time.monotonic()
        try:
            watched.child.start()
        except Stopping:
            raise
        except Exception as error:  # a start that fails is tried again, like a crash
            self.say(watched.child.name, f"did not start: {error}")
            watched.child.bury()


def printer() -> Callable[[str, str], None]:
    """Prints a child's line behind its name, in colour on a terminal."""
    lock = threading.Lock()
    colours: dict[str, int] = {}

    def say(name: str, line: str) -> None:
        with lock:
            colour = colours.setdefault(name, COLOURS[len(colours) % len(COLOURS)])
            shown = f"\x1b[{colour}m{name:<9}\x1b[0m" if sys.stdout.isatty() else f"{name:<9}"
            print_out(f"{shown} | {line}")

    return say


def print_out(text: str) -> None:
    """Print a line; where nobody reads any more (`make run | head`), the product goes on."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def python(*arguments: str) -> list[str]:
    """A command of this virtual environment's Python."""
    return [sys.executable, *arguments]


def environment(base: Mapping[str, str] = os.environ, /, **settings: str) -> dict[str, str]:
    """An environment with settings added, and the virtual environment's programs first."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, base.get("PATH", os.defpath)])
    return {**base, "PATH": path, "PYTHONUNBUFFERED": "1", MARK: "1", **settings}
