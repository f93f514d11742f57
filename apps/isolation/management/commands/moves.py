"""`manage.py moves`: the moves of tenants, or one of them with all that is known of it."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.isolation.models import Move
from apps.isolation.moves import telling, watching
from apps.isolation.moves.running import STEPS

MOST_SHOWN = 50


class Command(BaseCommand):
    """`list` shows the newest, `show` one in full: the first look at a move that is stuck."""

    help = "List moves between levels of isolation, or show one."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="the newest moves, one a line")
        listing.add_argument("--tenant", type=UUID)
        listing.add_argument("--running", action="store_true", help="only those under way")
        showing = verbs.add_parser("show", help="one move as JSON")
        showing.add_argument("move", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "show":
            self._show(options["move"])
        else:
            self._list(options["tenant"], options["running"])

    def _list(self, tenant_id: UUID | None, is_running: bool) -> None:
        moves = Move.objects.order_by("-id")
        if tenant_id is not None:
            moves = moves.filter(tenant_id=tenant_id)
        if is_running:
            moves = moves.filter(status__in=[Move.Status.PENDING, Move.Status.IN_PROGRESS])
        for move in moves[:MOST_SHOWN]:
            self.stdout.write(
                f"{move.id}  {move.tenant_id}  {move.from_level} -> {move.to_level}"
                f"  {move.status}{f' after {move.step}' if move.step else ''}"
                f"  {move.rows_done}/{move.rows_total} rows  {telling.why_failed(move)}".rstrip()
            )

    def _show(self, move_id: UUID) -> None:
        move = Move.objects.select_related("source", "target").filter(pk=move_id).first()
        if move is None:
            raise CommandError("There is no such move.")
        steps = list(STEPS)
        following = steps.index(move.step) + 1 if move.step else 0
        told = {
            "id": move.id,
            "tenant": move.tenant_id,
            "workspace": move.workspace_id,
            "from": f"{move.from_level} ({move.source})",
            "to": f"{move.to_level} ({move.target})",
            "status": move.status,
            "lastStep": move.step,
            "nextStep": steps[following] if following < len(steps) else None,
            "isRun": not watching.is_abandoned(move_id),
            "rows": f"{move.rows_done} of {move.rows_total}, {move.rows_per_s:.0f}/s",
            "remainingS": watching.remaining_s(move),
            "error": telling.why_failed(move),
            "startedAt": move.started_at,
            "flippedAt": move.flipped_at,
            "finishedAt": move.finished_at,
            "purgeAfter": move.purge_after,
            "purgedAt": move.purged_at,
            "detail": move.detail,
        }
        self.stdout.write(json.dumps(told, indent=2, default=str))
