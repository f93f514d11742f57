"""The plan catalogue: which version of a plan counts now, how a new one is published (X13)."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.isolation.public import Level
from apps.tenants import plans
from apps.tenants.errors import LevelNotInPlan
from apps.tenants.models import PlanVersion
from apps.tenants.plans import Limits, TenantPlan
from tenlyr.core import audit
from tenlyr.core.metrics import Metric

# By hand: every tenant that is made asks, and to put this together costs more than to answer it.
CURRENT = """
SELECT * FROM tenants_planversion
WHERE name = %s AND (workspace_id = %s OR workspace_id IS NULL)
ORDER BY workspace_id ASC NULLS LAST, version DESC LIMIT 1
"""


def current(workspace_id: UUID, plan: TenantPlan) -> PlanVersion:
    """The version that a tenant gets now: the workspace's own newest, else the default's newest."""
    return PlanVersion.objects.raw(CURRENT, [plan, workspace_id])[0]


def publish(
    *,
    workspace_id: UUID | None,
    plan: TenantPlan,
    price_cents: int,
    limits: Mapping[str, Any],
    max_level: Level | str = "",
) -> PlanVersion:
    """Add a version; who has an older one keeps it until the plan is changed.

    `max_level` is the highest level of isolation that it allows, '' for any.

    Raises `BrokenCatalogue` for limits that cannot be read.
    """
    plans.read(limits)
    with transaction.atomic():
        before = PlanVersion.objects.filter(workspace=workspace_id, name=plan)
        version = (before.aggregate(newest=Max("version"))["newest"] or 0) + 1
        made = PlanVersion.objects.create(
            workspace_id=workspace_id,
            name=plan,
            version=version,
            price_cents=price_cents,
            limits=dict(limits),
            max_level=max_level,
        )
        audit.record(
            "plan.published",
            workspace_id=workspace_id or audit.INSTALLATION,
            target=str(made.id),
            plan=plan,
            version=version,
        )
    return made


def check_level(version: PlanVersion, level: Level) -> None:
    """Raise `LevelNotInPlan` for a level above the plan's highest (X59)."""
    order = list(Level)
    if version.max_level and order.index(level) > order.index(Level(version.max_level)):
        raise LevelNotInPlan(plan=version.name, max_level=version.max_level)


def limits_by_tenant(tenant_ids: Iterable[UUID]) -> dict[UUID, Limits]:
    """The limits of each tenant in natural units, in one query; unknown tenants are absent."""
    rows = PlanVersion.objects.filter(tenants__in=list(tenant_ids))
    return {
        tenant_id: plans.read(stored) for tenant_id, stored in rows.values_list("tenants", "limits")
    }


def limits_of(tenant_id: UUID) -> dict[Metric, int | None]:
    """One tenant's limits in counter units, None for any amount; unknown tenants have none."""
    return plans.in_counters(limits_by_tenant([tenant_id]).get(tenant_id, plans.read({})))
