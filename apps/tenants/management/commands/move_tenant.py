"""`manage.py move_tenant`: move one tenant to another level, or back, and show how far it is."""

import time
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.isolation.public import Level, Move, run_move, why_failed
from apps.tenants import moving
from apps.tenants.models import Tenant
from tenlyr.core.errors import ApiError
from tenlyr.core.terminal import rows_bar

POLL_S = 0.5
ENDED = (Move.Status.COMPLETED, Move.Status.FAILED, Move.Status.ROLLED_BACK)


class Command(BaseCommand):
    """Starts a move and takes part in it: it runs here unless a worker was faster.

    Ended by hand, it goes on in a worker. Exit code 0: the tenant lives at the new level.
    """

    help = "Move a tenant to a level of isolation (upward; downward with --support), or back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", type=UUID, help="the tenant's id")
        parser.add_argument("level", nargs="?", choices=[str(level) for level in Level])
        parser.add_argument("--driver", default="", help="what gives the database (the default)")
        parser.add_argument("--support", action="store_true", help="also downward; it is audited")
        parser.add_argument("--rollback", metavar="MOVE", type=UUID, help="undo a completed move")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            move = self._start(options)
        except ApiError as error:
            raise CommandError(error.public) from error
        move = self._follow(move)
        if move.status != Move.Status.COMPLETED:
            raise CommandError(why_failed(move) or f"The move ended as {move.status}.")
        self.stdout.write(
            f"{move.tenant_id} lives at {move.to_level} since {move.flipped_at:%H:%M:%S} UTC;"
            f" writes were held for {move.detail.get('fenceMs', 0):.0f} ms."
            f" Roll back until {move.purge_after:%Y-%m-%d}: --rollback {move.id}"
        )

    def _start(self, options: dict[str, Any]) -> Move:
        tenant = Tenant.objects.filter(pk=options["tenant"]).first()
        if tenant is None:
            raise CommandError("There is no such tenant.")
        if options["rollback"]:
            return moving.roll_back(workspace_id=tenant.workspace_id, move_id=options["rollback"])
        if not options["level"]:
            raise CommandError("Name a level, or a move to roll back.")
        return moving.start(
            workspace_id=tenant.workspace_id,
            tenant_id=tenant.id,
            target=Level(options["level"]),
            driver=options["driver"],
            is_support=options["support"],
        )

    def _follow(self, move: Move) -> Move:
        with rows_bar() as bar:

            def show(now: Move) -> None:
                bar(now.step, now.rows_done, now.rows_total)

            while move.status not in ENDED:
                move = run_move(move.id, on_progress=show)
                show(move)
                if move.status not in ENDED:
                    time.sleep(POLL_S)
        return move
