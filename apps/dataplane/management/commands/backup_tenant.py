"""`manage.py backup_tenant`: one tenant's rows, as of one moment, in a file."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from apps.dataplane import backing_up
from apps.isolation.public import BackupFailed


class Command(BaseCommand):
    """The tenant works on meanwhile. Exit code 0: the file is whole and on the disk."""

    help = "Write all rows of a tenant with a schema or database of its own to a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", type=UUID, help="the tenant's id")
        parser.add_argument("--to", type=Path, required=True, help="a file that is not there yet")
        parser.add_argument(
            "--encrypt", action="store_true", help="with TENLYR_SECRET_KEY, needed to restore it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        columns = (TextColumn("{task.description:<16}"), BarColumn(), DownloadColumn())
        with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task("snapshot", total=None)

            def show(table: str, rows: int, size: int) -> None:
                bar.update(task, description=table, completed=size)

            try:
                found = backing_up.back_up(
                    options["tenant"],
                    options["to"],
                    is_sealed=options["encrypt"],
                    on_progress=show,
                )
            except BackupFailed as error:
                raise CommandError(str(error)) from error
        size = options["to"].stat().st_size
        self.stdout.write(
            f"{options['to']}: {found.rows} rows of {len(found.tables)} tables as of"
            f" {found.taken_at}, {size / 1e6:.1f} MB"
        )
