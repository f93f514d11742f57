"""Tenant keys: made, found, and ended (A5, A12, X6, X6b)."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from apps.tenants import plans
from apps.tenants.models import Tenant, TenantKey
from tenlyr.core import clock, errors
from tenlyr.core.auth import Found
from tenlyr.core.keys import Kind
from tenlyr.core.principal import Principal
from tenlyr.core.stored_key import Minted

# Key, tenant, epoch and limits in one statement: one snapshot, so that no epoch can belong to an
# older state than the one cached under it.
CALLER = """
SELECT t.id, t.workspace_id, t.status, coalesce(t.limit_rpm, 0), coalesce(e.epoch, 0), p.limits,
       k.id, k.verifier, k.revoked_at, extract(epoch FROM k.expires_at)
FROM tenants_tenant t
JOIN tenants_planversion p ON p.id = t.plan_version_id
LEFT JOIN core_authepoch e ON e.subject = t.id
"""
BY_DIGEST = CALLER + "JOIN tenants_tenantkey k ON k.tenant_id = t.id WHERE k.digest = %s"
BY_TENANT = (
    CALLER
    + "LEFT JOIN tenants_tenantkey k ON k.tenant_id = t.id"
    + " AND k.revoked_at IS NULL AND k.expires_at IS NULL"
    + " WHERE t.workspace_id = %s AND t.id = %s"
)


def issue(tenant: Tenant, minted: Minted) -> TenantKey:
    """Store a minted key as the tenant's live one, in the caller's transaction."""
    return TenantKey.objects.create(
        tenant=tenant, digest=minted.digest, verifier=minted.verifier, prefix=minted.prefix
    )


def retire(tenant: Tenant, *, until: datetime | None) -> None:
    """End the live key at `until`. Without a moment every key ends now, those in grace too."""
    standing = TenantKey.objects.filter(tenant=tenant, revoked_at=None)
    if until is None:
        standing.filter(_not_expired()).update(revoked_at=clock.now())
    else:
        standing.filter(expires_at=None).update(expires_at=until)


def load(digest: bytes) -> Found | None:
    """The stored key behind a digest; raises `KeyRevoked`."""
    row = _one(BY_DIGEST, [digest])
    if row is None:
        return None
    verifier, revoked_at = row[7:9]
    if revoked_at is not None:
        raise errors.KeyRevoked()
    return Found(_principal(row), verifier)


def load_tenant(workspace_id: UUID, tenant_id: UUID) -> Principal | None:
    """The tenant as a caller, for an admin who acts as it (X18); None outside the workspace."""
    row = _one(BY_TENANT, [workspace_id, tenant_id])
    return None if row is None else _principal(row)


def _not_expired() -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=clock.now())


def _one(query: str, params: list[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _principal(row: tuple[Any, ...]) -> Principal:
    tenant_id, workspace_id, status, limit_rpm, epoch, limits, key_id, _, _, expires_at = row
    return Principal(
        kind=Kind.TENANT,
        key_id=key_id or tenant_id,
        workspace_id=workspace_id,
        subject=tenant_id,
        epoch=epoch,
        tenant_id=tenant_id,
        status=status,
        limits=plans.strict_in_counters(plans.read(json.loads(limits))),
        limit_rpm=limit_rpm,
        expires_at=float(expires_at or 0),
    )
