"""How far a roll-out is: what the databases say, and what people read."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import QuerySet

from apps.dataplane.errors import RolloutNotFound
from apps.dataplane.models import Rollout, SchemaState
from apps.isolation import public as isolation
from tenlyr.core import clock

log = structlog.get_logger(__name__)

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """A roll-out as people see it. `rate_per_second` is None before the first schema is through."""

    id: UUID
    version: int
    status: str
    wave: int
    waves: int
    total: int
    done: int
    failed: int
    failure_budget: int
    failures: list[dict[str, str]]
    rate_per_second: float | None
    estimated_seconds_left: int | None
    error: str | None
    started_at: datetime
    finished_at: datetime | None


def newest(workspace_id: UUID, version: int) -> Rollout:
    """The newest roll-out of a version; raises `RolloutNotFound`."""
    rows = Rollout.objects.select_related("release").filter(
        workspace_id=workspace_id, release__version=version
    )
    found = rows.order_by("-started_at", "-id").first()
    if found is None:
        raise RolloutNotFound()
    return found


def due(rollout: Rollout) -> QuerySet[SchemaState]:
    """Schemas that lack the version, those of Locations that are on their way out aside."""
    rows = SchemaState.objects.filter(
        workspace_id=rollout.workspace_id, version__lt=rollout.release.version
    )
    return rows.exclude(location__state="retired")


def of(rollout: Rollout) -> Progress:
    """How it stands now."""
    behind = due(rollout)
    refused = behind.filter(state=SchemaState.State.FAILED).order_by("changed_at", "schema")
    left = behind.count()
    done = max(rollout.total - left, 0)
    taken_s = ((rollout.finished_at or clock.now()) - rollout.started_at).total_seconds()
    rate = done / taken_s if done and taken_s > 0 else None
    is_running = rollout.status == Rollout.Status.ROLLING
    return Progress(
        id=rollout.id,
        version=rollout.release.version,
        status=rollout.status,
        wave=min(rollout.wave + 1, rollout.waves),
        waves=rollout.waves,
        total=rollout.total,
        done=done,
        failed=refused.count(),
        failure_budget=rollout.failure_budget,
        failures=[{"schema": one.schema, "error": one.error} for one in refused[:MOST_SHOWN]],
        rate_per_second=round(rate, 2) if rate else None,
        estimated_seconds_left=round(left / rate) if rate and is_running else None,
        error=rollout.error or None,
        started_at=rollout.started_at,
        finished_at=rollout.finished_at,
    )


def look(workspace_id: UUID) -> int:
    """Ask every database what its schemas really have; answers how many were known wrongly."""
    by_alias: dict[str, list[SchemaState]] = defaultdict(list)
    aliases = {one.id: one.alias for one in isolation.locations()}
    for state in SchemaState.objects.filter(workspace_id=workspace_id):
        if state.location_id is None or state.location_id in aliases:
            by_alias[aliases.get(state.location_id or 0, "default")].append(state)
    wrong = []
    for alias, states in sorted(by_alias.items()):
        held = _versions(isolation.owner_alias(alias), workspace_id)
        if held is None:
            continue
        for state in states:
            version = held.get(state.schema, 0)
            if state.version != version:
                state.version = version
                wrong.append(state)
    SchemaState.objects.bulk_update(wrong, ["version"], batch_size=500)
    return len(wrong)


def _versions(alias: str, workspace_id: UUID) -> dict[str, int] | None:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT schema::text, version FROM tenlyr_dataplane.applied"
                " WHERE workspace_id = %s",
                [workspace_id],
            )
            return dict(cursor.fetchall())
    except (DatabaseError, InterfaceError) as error:
        # Its schemas stay as they are known; bringing them up will say what is wrong.
        log.warning("dataplane.database_away", alias=alias, reason=type(error).__name__)
        return None
    except Exception:  # one database's trouble, whatever it is, must not end the look at the others
        log.exception("dataplane.database_failed", alias=alias)
        return None
