"""Children are started, started again after a crash, and seen off in reverse order."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from tenlyr.runtime import processes, supervisor
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.supervisor import Command, Stopping, Supervisor
from tests.runtime.test_processes import is_gone, until

HEARS = """
import signal, sys, time
def leave(*_):
    with open("left", "a") as left:
        left.write(sys.argv[1] + "\\n")
    print("leaving", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(60)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
# A main process whose worker would outlive it.
WITH_WORKER = """
import os, time
worker = os.fork()
if worker:
    print(f"worker {worker}", flush=True)
time.sleep(60)
"""


class Stage:
    """A supervisor whose children's words are kept, with the time each was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[tuple[str, str]] = []
        self.supervisor = Supervisor(self.say)

    def say(self, name: str, line: str) -> None:
        self.said.append((name, line))

    def command(self, name: str, script: str, *, stage: str = "", grace_s: float = 60) -> Command:
        line = [sys.executable, "-c", script, name]
        return Command(name, line, os.environ, self.folder, self.say, grace_s, stage)

    def add(self, name: str, script: str, *, stage: str = "", grace_s: float = 60) -> Command:
        child = self.command(name, script, stage=stage, grace_s=grace_s)
        self.supervisor.add(child)
        return child

    def heard(self, name: str, line: str) -> bool:
        return any(who == name and what.startswith(line) for who, what in self.said)

    def look_until(self, holds: Callable[[], bool]) -> None:
        def looked() -> bool:
            self.supervisor.look()
            return holds()

        until(looked)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.supervisor.is_hurried = True
    made.supervisor.stop()


def pid(child: Command) -> int:
    assert child.process is not None
    return child.process.pid


class TestCrash:
    def test_a_crashed_child_is_started_again(self, stage: Stage) -> None:
        child = stage.add("one", HEARS)
        until(lambda: stage.heard("one", "up"))
        first = pid(child)
        os.kill(first, signal.SIGKILL)
        stage.look_until(lambda: pid(child) != first)
        assert stage.heard("one", "ended with -9, is started again")

    def test_what_is_left_of_its_group_is_ended_first(self, stage: Stage) -> None:
        child = stage.add("one", WITH_WORKER)
        until(lambda: stage.heard("one", "worker"))
        worker = int(stage.said[0][1].split()[1])
        first = pid(child)
        os.kill(first, signal.SIGKILL)
        stage.look_until(lambda: pid(child) != first)
        until(partial(is_gone, worker))

    def test_pauses_double_up_to_ten_seconds(self, stage: Stage) -> None:
        stage.add("one", "raise SystemExit(1)")
        (watched,) = stage.supervisor.watched
        pauses = []
        for _ in range(8):
            until(lambda: not_running(watched.child))
            before = watched.pause_s
            stage.supervisor.look()
            pauses.append(before)
            watched.due = time.monotonic()  # the pause is over
            stage.supervisor.look()
        assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10])

    def test_one_that_stayed_healthy_begins_with_the_shortest_pause(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage.add("one", HEARS)
        (watched,) = stage.supervisor.watched
        watched.pause_s = supervisor.LONGEST_PAUSE_S
        stage.supervisor.look()
        assert watched.pause_s == supervisor.LONGEST_PAUSE_S
        monkeypatch.setattr(supervisor, "HEALTHY_AFTER_S", 0)
        stage.supervisor.look()
        assert watched.pause_s == supervisor.FIRST_PAUSE_S

    def test_a_start_that_fails_is_tried_again(self, stage: Stage) -> None:
        child = stage.add("one", HEARS)
        whole = child.command
        child.command = ["/nonexistent/program"]
        os.kill(pid(child), signal.SIGKILL)
        stage.look_until(lambda: stage.heard("one", "did not start"))
        child.command = whole
        first = pid(child)
        stage.look_until(lambda: pid(child) != first)

    def test_during_the_start_it_is_a_reason_to_give_up(self, stage: Stage) -> None:
        child = stage.add("one", "raise SystemExit(7)")
        until(lambda: not_running(child))
        with pytest.raises(StartFailed, match=r"one ended at once \(7\)"):
            stage.supervisor.check()


class TestStop:
    def test_stages_leave_in_reverse_and_neighbours_together(self, stage: Stage) -> None:
        for name, where in (("store", ""), ("work-1", "work"), ("work-2", "work"), ("web", "web")):
            stage.add(name, HEARS, stage=where)
            until(partial(stage.heard, name, "up"))
        stage.supervisor.stop()
        gone = (stage.folder / "left").read_text().split()
        assert len(gone) == 4
        assert gone[0] == "web"
        assert set(gone[1:3]) == {"work-1", "work-2"}
        assert gone[3] == "store"

    def test_one_that_does_not_leave_is_ended_after_its_grace(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        child = stage.add("deaf", DEAF, grace_s=600)
        until(lambda: stage.heard("deaf", "up"))
        ran: list[bool] = []

        def clock() -> float:
            """Its grace is over when the clock is looked at for the eighth time."""
            ran.append(not not_running(child))
            return 1_000.0 if len(ran) < 8 else 1_600.0

        monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=clock))
        stage.supervisor.stop()
        assert ran == [True] * 8
        assert child.process is not None
        assert child.process.returncode == -signal.SIGKILL
        assert stage.heard("deaf", "did not leave in time and is ended")

    def test_a_second_signal_ends_them_at_once(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing else ends it here: its grace is never over."""
        child = stage.add("deaf", DEAF, grace_s=float("inf"))
        until(lambda: stage.heard("deaf", "up"))
        twice_as_late = itertools.count(1_000.0, 2 * supervisor.SAME_REQUEST_S)
        clock = SimpleNamespace(monotonic=lambda: next(twice_as_late), sleep=time.sleep)
        monkeypatch.setattr(supervisor, "time", clock)
        with stage.supervisor.listening():
            with pytest.raises(Stopping):
                stop_after(0.1, stage.supervisor.watch)
            stop_after(0.1, stage.supervisor.stop)
        assert child.process is not None
        assert child.process.returncode == -signal.SIGKILL

    def test_the_same_request_twice_is_one(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: 1_000.0))
        with stage.supervisor.listening():
            with pytest.raises(Stopping):
                signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)  # make passes on what the group got already
        assert not stage.supervisor.is_hurried

    def test_handlers_are_given_back(self, stage: Stage) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with stage.supervisor.listening():
            assert signal.getsignal(signal.SIGTERM) != before
        assert signal.getsignal(signal.SIGTERM) == before


class TestOutput:
    def test_lines_carry_the_childs_name_without_colours_in_a_file(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        supervisor.printer()("web-1", "hello")
        assert capsys.readouterr().out == "web-1     | hello\n"

    def test_a_terminal_gets_a_colour_for_each(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        say = supervisor.printer()
        for name in ("web-1", "web-2", "web-1"):
            say(name, "hello")
        first, second, third = capsys.readouterr().out.splitlines()
        assert first == third == "\x1b[36mweb-1    \x1b[0m | hello"
        assert second.startswith("\x1b[32m")

    def test_what_a_child_prints_is_passed_on_whole(self, stage: Stage) -> None:
        stage.add("one", r"print('\xfe'); print(); print('a' * 200_000)")
        until(lambda: len(stage.said) >= 2)
        assert [len(line) for _, line in stage.said] == [1, 200_000]


def test_children_get_the_mark_and_our_programs_first() -> None:
    made = supervisor.environment({"PATH": "/bin", "A": "1"}, A="2")
    assert made[processes.MARK] == "1"
    assert made["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/bin"
    assert made["A"] == "2"


def not_running(child: object) -> bool:
    process: subprocess.Popen[bytes] | None = getattr(child, "process", None)
    return process is not None and process.poll() is not None


def stop_after(delay_s: float, act: Callable[[], None]) -> None:
    """Run `act` and send us SIGTERM meanwhile."""
    timer = threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        act()
    finally:
        timer.cancel()
        timer.join()
