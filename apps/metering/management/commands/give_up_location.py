"""`manage.py give_up_location`: let shards go on that wait for a database that is lost."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.metering import storing


class Command(BaseCommand):
    help = "Keep usage events that wait for a lost database as dead letters; their shards go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("location", help="DATABASE/SCHEMA, as /readyz names it")

    def handle(self, *args: Any, **options: Any) -> None:
        place = options["location"]
        buried = storing.give_up(place)
        if not buried:
            raise CommandError(f"Nothing waits for {place}.")
        self.stdout.write(f"{buried} entries are dead letters now; nothing waits for {place}.")
