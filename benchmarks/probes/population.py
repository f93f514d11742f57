"""Tenants in bulk, as rows: what 10,000 calls of the API would leave behind, in a second."""

from typing import Any
from uuid import UUID

from benchmarks.probes.inside import answer

# isort: split
from django.conf import settings
from django.db import connection, transaction

from apps.isolation.models import Location, Placement
from apps.isolation.placing import refill
from apps.isolation.public import Level
from apps.tenants import catalogue
from apps.tenants.models import Tenant, TenantKey
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from apps.workspaces.public import Workspace
from tenlyr.core import ids, keys
from tenlyr.core.keys import Kind

LIMIT_RPM = 100_000_000
BATCH = 1_000


def shared(count: int) -> list[tuple[UUID, str]]:
    """`count` new tenants of the first workspace with rows in the shared schema: ids and raw keys.

    The keys' slow hash is left out (it would take the machine half a minute for 10,000): such a key
    can be looked up, and works where its principal is cached.
    """
    location = Location.objects.get(state=Location.State.SHARED)
    return _made([location] * count, Level.SHARED_SCHEMA)


def dedicated(count: int) -> list[tuple[UUID, str]]:
    """The same with schemas of their own, built as the product builds its warm ones."""
    settings.WARM_SCHEMAS = count
    refill()
    warm = list(Location.objects.filter(state=Location.State.WARM).order_by("id")[:count])
    Location.objects.filter(pk__in=[row.pk for row in warm]).update(state=Location.State.CLAIMED)
    return _made(warm, Level.DEDICATED_SCHEMA)


def _made(locations: list[Location], level: Level) -> list[tuple[UUID, str]]:
    workspace = Workspace.objects.order_by("created_at").first()
    if workspace is None:
        raise LookupError("there is no workspace: was the set-up run?")
    raws = [keys.generate(Kind.TENANT) for _ in locations]
    with transaction.atomic():
        plan = catalogue.current(workspace.id, TenantPlan.SCALE)
        tenants = [_tenant(workspace, plan, raw) for raw in raws]
        Tenant.objects.bulk_create(tenants, BATCH)
        Placement.objects.bulk_create(_placements(tenants, locations, level), BATCH)
        TenantKey.objects.bulk_create(_keys(tenants, raws), BATCH)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tenants_tenant")
    return [(tenant.id, raw) for tenant, raw in zip(tenants, raws, strict=True)]


def _tenant(workspace: Workspace, plan: Any, raw: str) -> Tenant:
    new = ids.uuid7()
    address = f"{new}@bulk.example"
    return Tenant(
        id=new,
        workspace=workspace,
        name=f"Tenant {new}",
        owner_email=address,
        email_key=address,
        plan_version=plan,
        status=Status.ACTIVE,
        limit_rpm=LIMIT_RPM,
        api_key_prefix=keys.display_prefix(raw),
    )


def _placements(tenants: list[Tenant], locations: list[Location], level: Level) -> list[Placement]:
    return [
        Placement(tenant_id=tenant.id, location=location, level=level)
        for tenant, location in zip(tenants, locations, strict=True)
    ]


def _keys(tenants: list[Tenant], raws: list[str]) -> list[TenantKey]:
    return [
        TenantKey(
            tenant=tenant,
            digest=keys.digest(raw),
            verifier="not hashed",
            prefix=keys.display_prefix(raw),
        )
        for tenant, raw in zip(tenants, raws, strict=True)
    ]


def populate(shared_count: int = 0, dedicated_count: int = 0, warm: int = 0) -> dict[str, int]:
    """Add tenants of both kinds, then fill the pool with `warm` schemas."""
    made = {"shared": len(shared(shared_count)), "dedicated": len(dedicated(dedicated_count))}
    settings.WARM_SCHEMAS = warm
    return {**made, "warm": refill()}


if __name__ == "__main__":
    answer(populate)
