"""Holding a roll-out, letting it go on, ending it for good."""

from uuid import UUID

from django.db import transaction

from apps.dataplane.errors import NotSteerable
from apps.dataplane.models import Release, Rollout, SchemaState
from apps.dataplane.rollout import progress
from tenlyr.core import audit, clock, tasks

Status = Rollout.Status


def pause(workspace_id: UUID, version: int) -> Rollout:
    """Stop after the batch at hand; raises `RolloutNotFound`, `NotSteerable` (400)."""
    return _turn(workspace_id, version, {Status.ROLLING}, Status.PAUSED)


def resume(workspace_id: UUID, version: int) -> Rollout:
    """Go on, and ask those again that refused; raises `RolloutNotFound`, `NotSteerable` (400)."""
    with transaction.atomic():
        rollout = _turn(workspace_id, version, {Status.PAUSED, Status.FAILED}, Status.ROLLING)
        progress.due(rollout).update(state=SchemaState.State.READY, error="", tries=0)
        tasks.after_commit("dataplane.run_rollout", str(rollout.id))
    return rollout


def end(workspace_id: UUID, version: int) -> Rollout:
    """End one that was held or stopped: who has the version keeps it, another may begin."""
    return _turn(workspace_id, version, {Status.PAUSED, Status.FAILED}, Status.DONE)


def _turn(workspace_id: UUID, version: int, allowed: set[Status], status: Status) -> Rollout:
    with transaction.atomic():
        found = progress.newest(workspace_id, version)
        rollout = (
            Rollout.objects.select_for_update(of=["self"])
            .select_related("release")
            .get(pk=found.pk)
        )
        if rollout.status not in allowed:
            raise NotSteerable(status=rollout.status)
        is_over = status == Status.DONE
        rollout.error = "Ended by hand." if is_over else ""
        rollout.status, rollout.finished_at = status, clock.now() if is_over else None
        rollout.save(update_fields=["status", "error", "finished_at"])
        Release.objects.filter(pk=rollout.release_id).update(status=status)
        audit.record(
            f"dataplane.rollout_{status}",
            workspace_id=workspace_id,
            target=str(rollout.id),
            version=version,
        )
    return rollout
