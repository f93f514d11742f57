"""What happens to a tenant between provisioning and deletion (A13, B5-B11, X6, X6b, X38).

Each verb is one transaction: lock the tenant, check, change, make what is cached of it stale, tell,
record.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.isolation import public as isolation
from apps.tenants import catalogue, keys, purging, selectors, states
from apps.tenants.models import DeletionCertificate, Tenant
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from tenlyr.core import audit, clock, epochs, events, tasks
from tenlyr.core.events import EventType
from tenlyr.core.stored_key import Minted

LONGEST_GRACE = timedelta(days=7)
HIGHEST_RPM = 1_000_000


def suspend(*, workspace_id: UUID, tenant_id: UUID, reason: str = "") -> Tenant:
    """Refuse every key of the tenant, on every process in under a second; its data stays."""
    with transaction.atomic():
        tenant = _moved(workspace_id, tenant_id, Status.SUSPENDED)
        _tell(tenant, EventType.TENANT_SUSPENDED, reason=reason)
    return tenant


def reactivate(*, workspace_id: UUID, tenant_id: UUID) -> Tenant:
    """Give a suspended tenant its access back."""
    with transaction.atomic():
        tenant = _moved(workspace_id, tenant_id, Status.ACTIVE)
        _tell(tenant, EventType.TENANT_REACTIVATED)
    return tenant


def terminate(*, workspace_id: UUID, tenant_id: UUID) -> Tenant:
    """End the tenant for good; its data stays until it is deleted."""
    with transaction.atomic():
        tenant = _moved(workspace_id, tenant_id, Status.TERMINATED)
        _tell(tenant, EventType.TENANT_TERMINATED)
    return tenant


def change_plan(*, workspace_id: UUID, tenant_id: UUID, plan: TenantPlan) -> Tenant:
    """Put the tenant on the plan's current version; the version it has already changes nothing."""
    with transaction.atomic():
        tenant = _standing(workspace_id, tenant_id)
        before, after = tenant.plan_version, catalogue.current(workspace_id, plan)
        if before == after:
            return tenant
        tenant.plan_version = after
        tenant.save(update_fields=["plan_version"])
        epochs.raise_epoch(tenant.id)
        shown = {"fromPlan": before.name, "toPlan": after.name}
        _tell(tenant, EventType.TENANT_PLAN_CHANGED, shown=shown, version=after.version)
    return tenant


def update(
    *, workspace_id: UUID, tenant_id: UUID, name: str | None = None, region: str | None = None
) -> Tenant:
    """Change what is a label: name and region (A35)."""
    with transaction.atomic():
        tenant = _standing(workspace_id, tenant_id)
        given = {"name": name, "region": region}
        changed = {
            field: value
            for field, value in given.items()
            if value is not None and value != getattr(tenant, field)
        }
        if changed:
            for field, value in changed.items():
                setattr(tenant, field, value)
            tenant.save(update_fields=list(changed))
            _record(tenant, "tenant.updated", fields=sorted(changed))
    return tenant


def throttle(*, workspace_id: UUID, tenant_id: UUID, limit_rpm: int | None) -> Tenant:
    """Cap what the tenant may track a minute, from 1 to `HIGHEST_RPM`, on every process in under a
    second; None takes the cap away (A24).
    """
    if limit_rpm is not None and not 1 <= limit_rpm <= HIGHEST_RPM:
        raise ValueError(f"limit_rpm must be from 1 to {HIGHEST_RPM}, not {limit_rpm}")
    with transaction.atomic():
        tenant = _standing(workspace_id, tenant_id)
        before = tenant.limit_rpm
        if before != limit_rpm:
            tenant.limit_rpm = limit_rpm
            tenant.save(update_fields=["limit_rpm"])
            epochs.raise_epoch(tenant.id)
            action = "tenant.unthrottled" if limit_rpm is None else "tenant.throttled"
            _record(tenant, action, before_rpm=before, limit_rpm=limit_rpm)
    return tenant


def rotate_key(
    *, workspace_id: UUID, tenant_id: UUID, minted: Minted, grace: timedelta = timedelta(0)
) -> Tenant:
    """Make `minted` the tenant's live key. The one before it lasts for `grace`, at most 7 days.

    Without grace every older key ends at once, also one that was still in an earlier grace period.
    """
    with transaction.atomic():
        tenant = _standing(workspace_id, tenant_id)
        until = clock.now() + min(grace, LONGEST_GRACE) if grace else None
        keys.retire(tenant, until=until)
        keys.issue(tenant, minted)
        tenant.api_key_prefix = minted.prefix
        tenant.save(update_fields=["api_key_prefix"])
        epochs.raise_epoch(tenant.id)
        ends = clock.iso(until) if until else None
        shown = {"apiKeyPrefix": minted.prefix, "oldKeyExpiresAt": ends}
        _tell(tenant, EventType.TENANT_KEY_ROTATED, shown=shown)
    return tenant


def delete(*, workspace_id: UUID, tenant_id: UUID) -> None:
    """Destroy the tenant and its keys now, from any state; its data is purged right after (A14).

    The row goes in this transaction: the tenant is unknown at once and its e-mail free. What
    remains is a certificate, the purge's work item until everything else is gone too. A running
    move is stopped; the purge waits for its end.
    """
    with transaction.atomic():
        tenant = selectors.locked(workspace_id, tenant_id)
        rows, _ = Tenant.objects.filter(pk=tenant.id).delete()
        DeletionCertificate.objects.create(
            tenant_id=tenant.id, workspace_id=workspace_id, counts={purging.HOLDING.name: rows}
        )
        isolation.stop_moves(tenant.id, "The tenant was deleted during the migration.")
        epochs.raise_epoch(tenant.id)
        tasks.after_commit("tenants.purge", str(tenant.id))
        _tell(tenant, EventType.TENANT_DELETED, status=tenant.status)


def _standing(workspace_id: UUID, tenant_id: UUID) -> Tenant:
    tenant = selectors.locked(workspace_id, tenant_id)
    states.check_not_terminated(Status(tenant.status))
    return tenant


def _moved(workspace_id: UUID, tenant_id: UUID, aim: Status) -> Tenant:
    tenant = selectors.locked(workspace_id, tenant_id)
    states.check(Status(tenant.status), aim)
    tenant.status = aim
    tenant.save(update_fields=["status"])
    epochs.raise_epoch(tenant.id)
    return tenant


def _tell(
    tenant: Tenant,
    kind: EventType,
    *,
    reason: str = "",
    shown: dict[str, Any] | None = None,
    **details: Any,
) -> None:
    """Emit the event with what is `shown` to its receivers; the record has the details too."""
    more = {"reason": reason} if reason else {}
    data = {"tenantId": str(tenant.id), **more, **(shown or {})}
    events.emit(kind, workspace_id=tenant.workspace_id, tenant_id=tenant.id, data=data)
    _record(tenant, kind, reason=reason, **(shown or {}), **details)


def _record(tenant: Tenant, action: str, *, reason: str = "", **details: Any) -> None:
    # Last in every verb: the trail's tip stays locked until commit.
    audit.record(
        action,
        workspace_id=tenant.workspace_id,
        tenant_id=tenant.id,
        target=str(tenant.id),
        reason=reason,
        **details,
    )
