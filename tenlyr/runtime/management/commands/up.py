"""`manage.py up`: start the whole product, keep it running, stop it cleanly."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from tenlyr import env
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.start import Start
from tenlyr.runtime.supervisor import Stopping, Supervisor, printer


class Command(BaseCommand):
    help = "Start Postgres, Valkey, set-up, consumer, worker, beat and web; Ctrl-C stops them."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor = Supervisor(printer())
        failure = ""
        with supervisor.listening():
            start = _start(supervisor)
            try:
                self._announce(start, start.run())
                supervisor.watch()
            except (StartFailed, env.SettingError) as error:
                failure = str(error)
            except Stopping:
                supervisor.say("up", "stopping")
            finally:
                supervisor.stop()
                start.over()
        if failure:
            sys.exit(f"Tenlyr cannot start: {failure}")
        self.stdout.write("Tenlyr has stopped.")

    def _announce(self, start: Start, made: dict[str, Any]) -> None:
        if made.get("created"):
            self.stdout.write(
                "\nShown once, keep them:\n"
                f"  admin key       {made['adminKey']}\n"
                f"  operator login  {made['operatorEmail']}  {made['operatorPassword']}\n"
            )
        self.stdout.write(f"Tenlyr is ready at http://127.0.0.1:{start.port}")
        self.stdout.flush()


def _start(supervisor: Supervisor) -> Start:
    return Start(
        supervisor,
        supervisor.say,
        port=env.integer("PORT", 8000, least=1, most=65535),
        web_processes=env.integer("TENLYR_WEB_PROCESSES", 2, least=1, most=64),
        web_threads=env.integer("TENLYR_WEB_THREADS", 8, least=1, most=256),
    )
