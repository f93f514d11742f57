"""Children end with their parents, and what an earlier run left is found."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tenlyr.runtime import processes
from tenlyr.runtime.errors import StartFailed

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
# A parent that starts a child through `spawn`, prints its pid and waits to be killed.
PARENT = """
import subprocess, sys, time
from pathlib import Path
from tenlyr.runtime.processes import spawn
child = spawn([sys.executable, "-c", "import time; time.sleep(60)"], cwd=Path("/"))
print(child.pid, flush=True)
time.sleep(60)
"""
# A main process with a worker that follows its leader, as Celery's do.
LEADER = """
import os, time
from tenlyr.runtime.processes import follow_leader
worker = os.fork()
if worker == 0:
    follow_leader()
    time.sleep(60)
time.sleep(0.3)
print(worker, flush=True)
time.sleep(60)
"""


def until(holds: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait until it holds, bounded."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    return processes.birth(pid) is None


def said(child: "subprocess.Popen[bytes]") -> str:
    assert child.stdout is not None
    return child.stdout.readline().decode().strip()


def finish(child: "subprocess.Popen[bytes]") -> None:
    processes.signal_group(child.pid, signal.SIGKILL)
    child.communicate(timeout=60)


class TestSpawn:
    def test_leads_a_group_of_its_own(self, tmp_path: Path) -> None:
        child = processes.spawn(SLEEP, cwd=tmp_path, stdout=subprocess.PIPE)
        assert said(child) == "up"
        assert os.getpgid(child.pid) == child.pid
        finish(child)

    def test_ends_with_a_parent_that_was_killed(self) -> None:
        parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
        child = int(said(parent))
        assert not is_gone(child)
        parent.kill()
        parent.communicate(timeout=60)
        until(partial(is_gone, child))

    def test_outlives_the_thread_that_asked_for_it(self, tmp_path: Path) -> None:
        made: list[subprocess.Popen[bytes]] = []
        asked = threading.Thread(
            target=lambda: made.append(processes.spawn(SLEEP, cwd=tmp_path, stdout=subprocess.PIPE))
        )
        asked.start()
        asked.join()
        assert said(made[0]) == "up"
        time.sleep(0.2)
        assert made[0].poll() is None
        finish(made[0])

    def test_files_it_makes_are_closed_to_others(self, tmp_path: Path) -> None:
        status, _, _ = processes.run(["touch", tmp_path / "file"], cwd=tmp_path, timeout_s=60)
        assert status == 0
        assert (tmp_path / "file").stat().st_mode & 0o077 == 0


class TestFollowLeader:
    def test_a_worker_ends_with_a_main_process_that_was_killed(self, tmp_path: Path) -> None:
        env = {**os.environ, processes.MARK: "1"}
        leader = processes.spawn(
            [sys.executable, "-c", LEADER], cwd=Path.cwd(), env=env, stdout=subprocess.PIPE
        )
        worker = int(said(leader))
        assert not is_gone(worker)
        os.kill(leader.pid, signal.SIGKILL)
        leader.communicate(timeout=60)
        until(partial(is_gone, worker))

    def test_a_process_that_nobody_supervises_is_left_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(processes.MARK, raising=False)
        called: list[int] = []
        monkeypatch.setattr(processes, "die_with_parent", lambda *_: called.append(1))
        processes.follow_leader()
        assert called == []


class TestRun:
    def test_answers_status_and_both_streams(self, tmp_path: Path) -> None:
        script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
        done = processes.run([sys.executable, "-c", script], cwd=tmp_path, timeout_s=60)
        assert done == (3, "out\n", "err\n")

    def test_ends_what_takes_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(StartFailed, match=r"took more than 0\.5 s"):
            processes.run(SLEEP, cwd=tmp_path, timeout_s=0.5)
        assert processes.inhabitants(tmp_path, Path(sys.executable).resolve().name) == []


class TestLeftovers:
    def test_inhabitants_are_told_by_folder_and_program(self, tmp_path: Path) -> None:
        program = Path(sys.executable).resolve().name
        child = processes.spawn(SLEEP, cwd=tmp_path, stdout=subprocess.PIPE)
        said(child)
        assert processes.inhabitants(tmp_path, program) == [child.pid]
        assert processes.inhabitants(tmp_path, "postgres") == []
        assert processes.inhabitants(tmp_path.parent, program) == []
        finish(child)

    def test_supervised_are_told_by_mark_and_home(self, tmp_path: Path) -> None:
        env = {**os.environ, processes.MARK: "1", "TENLYR_HOME": str(tmp_path)}
        child = processes.spawn(SLEEP, cwd=tmp_path, env=env, stdout=subprocess.PIPE)
        said(child)
        assert processes.supervised(tmp_path) == [child.pid]
        assert processes.supervised(tmp_path / "other") == []
        finish(child)

    def test_one_that_leaves_in_time_is_not_killed(self, tmp_path: Path) -> None:
        child = processes.spawn(["sleep", "0.4"], cwd=tmp_path)
        processes.evict(partial(processes.inhabitants, tmp_path, "sleep"), patience_s=60)
        assert child.wait(60) == 0

    def test_one_that_outstays_its_time_is_killed(self, tmp_path: Path) -> None:
        child = processes.spawn(["sleep", "60"], cwd=tmp_path)
        processes.evict(partial(processes.inhabitants, tmp_path, "sleep"), patience_s=0.2)
        assert child.wait(60) == -signal.SIGKILL

    def test_one_that_cannot_be_killed_is_named(self) -> None:
        with pytest.raises(StartFailed, match="cannot be ended"):
            processes.evict(lambda: [2**22 + 1], patience_s=0.1)


class TestLogFile:
    def test_is_appended_to_and_turned_when_large(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "LOG_BYTES", 4)
        for text in (b"one", b"two", b"three"):
            with processes.log_file(tmp_path / "log") as file:
                file.write(text)
        assert (tmp_path / "log").read_bytes() == b"three"
        assert (tmp_path / "log.1").read_bytes() == b"onetwo"
