"""`manage.py up`: start the whole product, keep it running, stop it cleanly."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from tenlyr import env
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.start import Start
from tenlyr.runtime.supervisor import Stopping, Supervisor, print_out, printer


class Command(BaseCommand):
    help = "Start Postgres, Valkey and every process of the product; Ctrl-C stops them."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor = Supervisor(printer())
        failure = ""
        with supervisor.listening():
            start = _start(supervisor)
            try:
                _announce(start.port, start.run())
                supervisor.watch()
            except (StartFailed, env.SettingError, OSError) as error:  # a full disk, say
                failure = str(error)
            except Stopping:
                supervisor.say("up", "stopping (once more: at once)")
            finally:
                supervisor.stop()
                start.over()
        if failure:
            sys.exit(f"Tenlyr cannot start: {failure}")
        print_out("Tenlyr has stopped.")


def _announce(port: int, made: dict[str, Any]) -> None:
    if made.get("created"):
        print_out(
            "\nShown once, keep them:\n"
            f"  admin key       {made['adminKey']}\n"
            f"  operator login  {made['operatorEmail']}  {made['operatorPassword']}\n"
        )
    print_out(f"Tenlyr is ready at http://127.0.0.1:{port}")


def _start(supervisor: Supervisor) -> Start:
    return Start(
        supervisor,
        supervisor.say,
        port=env.integer("PORT", 8000, least=1, most=65535),
        web_processes=env.integer("TENLYR_WEB_PROCESSES", 2, least=1, most=64),
    )
