"""`manage.py restore_tenant`: the operator's rows of one tenant, as a backup has them."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.dataplane import backing_up
from apps.isolation.public import Backup, BackupFailed, Move, why_failed
from tenlyr.core.errors import ApiError
from tenlyr.core.terminal import rows_bar


class Command(BaseCommand):
    """The tenant works on at its old place until all is there. Exit code 0: it lives at the new.

    Ended by hand or killed before that, the tenant is as it was, and another try begins anew.
    """

    help = "Put a tenant into a new place with the operator's rows of a backup; usage stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--tenant", type=UUID, help="refuse the file if it is not this one's")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with backing_up.opened(options["file"], options["tenant"]) as backup:
                found = backup.manifest
                move = self._restore(backup)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        except ApiError as error:
            raise CommandError(error.public) from error
        if move.status != Move.Status.COMPLETED and move.flipped_at is None:
            raise CommandError(
                why_failed(move) or "The restore did not come to its end: try again."
            )
        self.stdout.write(
            f"{found.tenant_id} has its rows as of {found.taken_at} since"
            f" {move.flipped_at:%H:%M:%S} UTC; writes were held for"
            f" {move.detail.get('fenceMs', 0):.0f} ms."
        )
        if move.purge_after:
            self.stdout.write(f"The place before is kept until {move.purge_after:%Y-%m-%d}.")

    def _restore(self, backup: Backup) -> Move:
        with rows_bar() as show:
            return backing_up.restore(
                backup, on_progress=lambda now: show(now.step, now.rows_done, now.rows_total)
            )
