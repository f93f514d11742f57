"""`manage.py up` as a user runs it, on a data folder of its own, and a look at all it started."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tenlyr import env
from tenlyr.runtime import binaries, ports
from tenlyr.runtime.processes import inhabitants, spawn, supervised

READY_S, STOP_S, SOON_S = 120.0, 90.0, 90.0
# What the test run itself was pointed at; a user's shell has none of it.
OURS = ("DATABASE_URL", "DATABASE_POOL_URL", "REDIS_URL", "TENLYR_SECRET_KEY", "TENLYR_ADMIN_KEY")


def eventually(look: Callable[[], Any], what: str, timeout_s: float = SOON_S) -> Any:
    """What `look` answers as soon as it answers something true."""
    end = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < end, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.05)
    return found


class Up:
    """One data folder, its port, and `manage.py up` on it; `text` is all that it printed."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.home = folder / "home"
        self.output = folder / "output"
        self.port = ports.any_free()
        self.settings = {"TENLYR_HOME": str(self.home), "PORT": str(self.port), **settings}

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def servers(self) -> Path:
        """Where the embedded servers live: root's lie where their account can reach them."""
        pointer = self.home / "servers"
        return Path(pointer.read_text().strip()) if pointer.exists() else self.home

    def begin(self) -> None:
        """Start it and do not wait."""
        given = {name: value for name, value in os.environ.items() if name not in OURS}
        with self.output.open("wb") as output:
            self.process = spawn(
                [sys.executable, "manage.py", "up"],
                cwd=env.BASE_DIR,
                env={**given, **self.settings},
                stdout=output,
            )

    def start(self) -> None:
        """Start it and wait for its ready line."""
        self.begin()
        self.wait_for("Tenlyr is ready at ")

    def wait_for(self, words: str) -> None:
        """Wait until it has printed the words; an end before that is shown with its output."""

        def is_said() -> bool:
            assert words in self.text or self.process.poll() is None, self.text
            return words in self.text

        eventually(is_said, words, READY_S)

    def ended(self) -> int:
        """Its status, once it has ended."""
        return self.process.wait(STOP_S)

    def stop(self) -> int:
        """SIGTERM; answers its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def everybody(self) -> list[int]:
        """Every process that belongs to it, but for `up` itself."""
        postgres, valkey = (self.servers / name / "data" for name in ("postgres", "valkey"))
        return [
            *supervised(self.home),
            *inhabitants(postgres, "postgres"),
            *inhabitants(valkey, binaries.VALKEY),
        ]

    def children(self, words: str, parent: int | None = None) -> list[int]:
        """Children of `parent` (default: of `up`) with these words in their command."""
        wanted = parent or self.process.pid
        return [pid for pid in self.everybody() if parent_of(pid) == wanted and words in said(pid)]

    def call(self, method: str, path: str, key: str = "", **body: object) -> httpx.Response:
        """One request over a connection of its own."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"http://{ports.HOST}:{self.port}{path}"
        return httpx.request(method, url, headers=headers, json=body or None, timeout=10)

    def is_ready(self) -> bool:
        """Whether `/readyz` says so now."""
        try:
            return self.call("GET", "/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def answering(self) -> int:
        """The process that answers now; 0 when none does."""
        try:
            return int(self.call("GET", "/livez").json()["pid"])
        except httpx.HTTPError:
            return 0

    def remove(self) -> None:
        """Stop it if it runs, and remove all its files, root's servers' too."""
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.servers, ignore_errors=True)


def kill9(pid: int) -> None:
    """End one process as a crash would."""
    os.kill(pid, signal.SIGKILL)


def is_gone(pid: int) -> bool:
    """Whether the process has ended (an unburied one counts)."""
    return stat(pid) is None


def parent_of(pid: int) -> int:
    """Its parent; 0 for one that has ended."""
    return int((stat(pid) or ["Z", "0"])[1])


def stat(pid: int) -> list[str] | None:
    """The fields of `/proc/PID/stat` from the state on; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields


def said(pid: int) -> str:
    """Its command line; '' for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def all_gone(up: Up) -> None:
    """Fails unless every process of it ends soon."""
    eventually(partial(lambda: not up.everybody()), "no process is left")
