"""`manage.py instances`: keep a Postgres of its own running for each tenant that was given one."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from tenlyr import env
from tenlyr.runtime import home
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.instances import Keeper, folder_of

LOOK_EVERY_S = 0.5


class Command(BaseCommand):
    help = "Start, restart and remove the Postgres instances of tenants (driver `instance`)."

    def handle(self, *args: Any, **options: Any) -> None:
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        try:
            here = home.prepare(env.home())
            folder = folder_of(here)
            folder.mkdir(exist_ok=True)
            lock = home.lock(folder)  # held until we end
        except StartFailed as error:
            raise CommandError(str(error)) from error
        keeper = Keeper(here, self._say)
        try:
            while not ending.wait(LOOK_EVERY_S if lock else 0):
                keeper.look()
                close_old_connections()
        finally:
            keeper.stop()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()  # a file would have it at our end only
