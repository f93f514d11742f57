"""The beginning of a roll-out: who is behind, and in which wave each has its turn."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.dataplane import names, selectors
from apps.dataplane.errors import RolloutRunning
from apps.dataplane.models import Release, Rollout, SchemaState
from apps.dataplane.rollout import progress
from apps.isolation import public as isolation
from tenlyr.core import audit, errors, tasks

# Of those behind, how many have had their turn after each wave.
SHARES = (0.01, 0.1, 1.0)
PARALLEL = 4
# Whose tables are they that refuse: a version is brought on until this many did.
FAILURE_BUDGET = 0


def start(
    *,
    workspace_id: UUID,
    version: int,
    canaries: Sequence[UUID] = (),
    parallel: int = PARALLEL,
    failure_budget: int = FAILURE_BUDGET,
) -> Rollout:
    """Begin the way of a version to every schema that lacks it; `canaries` are tenants to go first.

    Raises `ReleaseNotFound`, `RolloutRunning` (409) and `InvalidRequest` for a canary that has no
    schema of its own in the workspace.
    """
    release = selectors.release(workspace_id, version)
    first = _schemas_of(workspace_id, canaries)
    try:
        with transaction.atomic():
            rollout = Rollout.objects.create(
                workspace_id=workspace_id,
                release=release,
                parallel=parallel,
                failure_budget=failure_budget,
            )
            _assign(rollout, version, first)
            Release.objects.filter(pk=release.pk).update(status=Release.Status.ROLLING)
            tasks.after_commit("dataplane.run_rollout", str(rollout.id))
            audit.record(
                "dataplane.rollout_started",
                workspace_id=workspace_id,
                target=str(rollout.id),
                version=version,
                schemas=rollout.total,
            )
    except IntegrityError as error:
        running = _unfinished(workspace_id)
        if running is None:
            raise
        raise RolloutRunning(version=running.release.version) from error
    return rollout


def in_waves(schemas: Iterable[str], first: Iterable[str] = ()) -> list[list[str]]:
    """The schemas in waves: `first` alone, if there are any, then growing shares of the others.

    The order says nothing about a tenant and is the same each time.
    """
    waves = [sorted(set(first))]
    rest = sorted(set(schemas) - set(waves[0]), key=_shuffled)
    taken = 0
    for share in SHARES:
        upto = math.ceil(share * len(rest))
        waves.append(rest[taken:upto])
        taken = max(taken, upto)
    return [wave for wave in waves if wave]


def _shuffled(schema: str) -> bytes:
    return hashlib.sha256(schema.encode()).digest()


def _assign(rollout: Rollout, version: int, first: set[str]) -> None:
    behind = SchemaState.objects.filter(workspace_id=rollout.workspace_id, version__lt=version)
    behind.update(state=SchemaState.State.READY, error="", wave=None, tries=0)
    schemas = set(progress.due(rollout).values_list("schema", flat=True))
    waves = in_waves(schemas, first & schemas)
    for number, wave in enumerate(waves):
        SchemaState.objects.filter(schema__in=wave).update(wave=number)
    rollout.waves, rollout.total = len(waves), len(schemas)
    rollout.save(update_fields=["waves", "total"])


def _schemas_of(workspace_id: UUID, tenants: Sequence[UUID]) -> set[str]:
    placed = {
        tenant_id: location
        for location, found in isolation.group(tenants).items()
        for tenant_id in found
    }
    wanted = {
        tenant_id: names.schema_beside(placed[tenant_id].schema)
        for tenant_id in tenants
        if tenant_id in placed and placed[tenant_id].schema.startswith("t_")
    }
    known = set(
        SchemaState.objects.filter(
            workspace_id=workspace_id, schema__in=wanted.values()
        ).values_list("schema", flat=True)
    )
    for tenant_id in tenants:
        if wanted.get(tenant_id) not in known:
            text = f"{tenant_id} has no schema of its own in this workspace."
            raise errors.invalid("canaryTenantIds", "unknown_tenant", text)
    return known


def _unfinished(workspace_id: UUID) -> Rollout | None:
    rows = Rollout.objects.filter(workspace_id=workspace_id).exclude(status=Rollout.Status.DONE)
    return rows.select_related("release").first()
