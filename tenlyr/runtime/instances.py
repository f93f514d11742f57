"""Postgres instances of tenants' own: one server each, started, looked after, and removed.

The rows of isolation say which there shall be; this process alone starts and stops them.
"""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from django.db import Error

from apps.isolation.public import DatabaseFailed, instances, upgrade_database
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.home import Home
from tenlyr.runtime.postgres import Postgres

FOLDER = "instances"
# Each is one tenant's: small, and grown by hand where one needs more.
SETTINGS = {"shared_buffers": "32MB", "max_connections": "60", "max_wal_size": "1GB"}
STARTED_AT_ONCE = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
HEALTHY_AFTER_S = 30.0


class Instance(Postgres):
    """The server of one Database row."""

    def __init__(self, home: Home, alias: str) -> None:
        super().__init__(home, folder=f"{FOLDER}/{alias}", **SETTINGS)
        self.name = alias

    def start(self) -> None:
        self.folder.parent.mkdir(exist_ok=True)
        self.folder.parent.chmod(0o711)
        self.port = 0  # the one it had, if nobody took it meanwhile
        super().start()

    def remove(self) -> None:
        """Stop it and delete its folder. Not half: what is renamed is never started again."""
        self.stop()
        left = self.folder.with_name(f".{self.folder.name}.removed")
        if self.folder.exists():
            shutil.rmtree(left, ignore_errors=True)
            self.folder.rename(left)
        if left.exists():
            shutil.rmtree(left)


@dataclass
class _Kept:
    """An instance, and the job (start or removal) that is at work on it."""

    instance: Instance
    job: "Future[None] | None" = None
    started: float = 0.0
    due: float = 0.0
    pause_s: float = FIRST_PAUSE_S


@dataclass
class Keeper:
    """Looks at the wishes, and does them: some at once, so that one slow start holds up few."""

    home: Home
    say: Callable[[str], None]
    kept: dict[str, _Kept] = field(default_factory=dict)
    jobs: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(STARTED_AT_ONCE))

    def look(self) -> None:
        """One round; a control plane that is away leaves everything as it is."""
        try:
            wishes = instances.wishes()
        except Error as error:
            self.say(f"the control plane does not answer: {error}".strip())
            return
        for wish in wishes:
            kept = self.kept.setdefault(wish.alias, _Kept(Instance(self.home, wish.alias)))
            if kept.job is None:
                self._do(kept, wish.shall_run)
            elif kept.job.done():
                self._over(kept)

    def stop(self) -> None:
        """Let what is being started finish, then stop all at the same time."""
        self.jobs.shutdown(cancel_futures=True)
        end = time.monotonic() + Instance.grace_s
        for kept in self.kept.values():
            kept.instance.ask()
        for kept in self.kept.values():
            kept.instance.leave(lambda: time.monotonic() < end)

    def _do(self, kept: _Kept, shall_run: bool) -> None:
        now, process = time.monotonic(), kept.instance.process
        if not shall_run:
            kept.job = self.jobs.submit(self._in_thread, self._remove, kept)
        elif process is not None and process.poll() is None:
            if now - kept.started > HEALTHY_AFTER_S:
                kept.pause_s = FIRST_PAUSE_S
        elif now >= kept.due:
            if process is not None:
                self.say(f"{kept.instance.name} ended with {process.poll()}, is started again")
            kept.due = now + kept.pause_s
            kept.pause_s = min(2 * kept.pause_s, LONGEST_PAUSE_S)
            kept.job = self.jobs.submit(self._in_thread, self._start, kept)

    def _over(self, kept: _Kept) -> None:
        job, kept.job = kept.job, None
        error = job.exception() if job else None
        if error is not None:
            self.say(f"{kept.instance.name}: {error}")

    def _in_thread(self, act: Callable[[_Kept], None], kept: _Kept) -> None:
        try:
            act(kept)
        finally:
            instances.hang_up()

    def _start(self, kept: _Kept) -> None:
        alias = kept.instance.name
        instances.seen(alias)
        try:
            kept.instance.start()
        except (StartFailed, OSError) as error:
            kept.instance.bury()
            instances.failed(alias, f"The instance could not be started: {error}")
            raise
        kept.started = time.monotonic()
        instances.started(alias, kept.instance.deploy_url)
        try:
            upgrade_database(alias)
        except DatabaseFailed as error:  # it runs, and serves what it has
            self.say(str(error))

    def _remove(self, kept: _Kept) -> None:
        kept.instance.remove()
        instances.gone(kept.instance.name)
        self.kept.pop(kept.instance.name, None)


def folder_of(home: Home) -> Path:
    """Where the instances of a home lie."""
    return home.servers / FOLDER
