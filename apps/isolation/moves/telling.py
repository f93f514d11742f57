"""What people are told of moves beyond their rows."""

from collections.abc import Iterable
from uuid import UUID

from apps.isolation import models


def why_failed(move: models.Move) -> str:
    """Why the move failed, with what only operators are told; empty where it did not."""
    internal = move.detail.get("internal", "")
    return f"{move.error.removesuffix('.')}: {internal}" if move.error and internal else move.error


def said(error: Exception) -> str:
    """What went wrong, for the log: without the lines in which Postgres quotes values of rows."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]


def provided_to(moves: Iterable[models.Move]) -> dict[UUID, str]:
    """What was really given to each move that made a database (A19), in one query; of others, and
    before it is there, nothing.
    """
    aliases = {move.pk: alias for move in moves if (alias := move.detail.get("database"))}
    if not aliases:
        return {}
    made = models.Database.objects.filter(pk__in=set(aliases.values())).exclude(provided="")
    provided = dict(made.values_list("pk", "provided"))
    return {pk: provided[alias] for pk, alias in aliases.items() if alias in provided}
