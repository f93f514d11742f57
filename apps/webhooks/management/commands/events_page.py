"""`manage.py events_page`: print the page of all events, or write it to a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.webhooks import describing


class Command(BaseCommand):
    help = "Make docs/events.md from the catalogue of events."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, help="write it there instead of printing it")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        if file is None:
            self.stdout.write(describing.page(), ending="")
        else:
            file.write_text(describing.page(), encoding="utf-8")
