"""Purging a deleted tenant: everything that any app holds of it, then its place (R17, X38).

It may be killed anywhere and run again. The first pass starts with the deletion and empties every
holding. The place goes in a later one: a web process that lost sight of Postgres may believe in a
cached key for a while, and what it still accepts must be found and purged too.
"""

import hashlib
import json
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F

from apps.isolation import public as isolation
from apps.tenants.models import DeletionCertificate
from tenlyr.core import audit, clock, registry
from tenlyr.core.registry import Holding

log = structlog.get_logger(__name__)

# Longer than any process may go on believing in a cached key (60 s in Redis, then 30 s of its own).
SETTLED_AFTER = timedelta(minutes=2)
MOST_PER_SWEEP = 100
# What the certificate calls rows at places that the tenant had moved away from.
EARLIER_PLACES = "earlier_places"


def _purge_own(_tenant_id: UUID) -> int:
    """Tenant and keys went with the deletion itself; the certificate is what stays, for good."""
    return 0


HOLDING = Holding(
    "tenants",
    ("tenants_tenant", "tenants_tenantkey", "tenants_deletioncertificate"),
    None,
    _purge_own,
)


def purge(tenant_id: UUID) -> bool:
    """Purge every holding, and finish once nothing new can come; answers whether it is finished.

    A tenant that was never deleted, or is purged already, is left alone.
    """
    certificate = DeletionCertificate.objects.filter(pk=tenant_id, finished_at=None).first()
    if certificate is None:
        return False
    # Decided before the holdings are emptied: what came in until then is in them.
    is_settled = certificate.requested_at + SETTLED_AFTER <= clock.now()
    for holding in registry.holdings():
        _add(tenant_id, holding.name, holding.purge(tenant_id))
    # Not before a move that was under way has come to its end: it may have taken rows along.
    elsewhere = isolation.clear_moves(tenant_id)
    if elsewhere:
        _add(tenant_id, EARLIER_PLACES, elsewhere)
    if not is_settled or elsewhere is None:
        return False
    _finish(tenant_id)
    return True


def sweep() -> int:
    """Go on with purges that are due or were interrupted; answers how many are finished now.

    New ones first, then those that were not tried for longest: a sweep may end anywhere, and
    tenants whose database is away must not stand before all others.
    """
    due = DeletionCertificate.objects.filter(
        finished_at=None, requested_at__lte=clock.now() - SETTLED_AFTER
    )
    finished = 0
    order = (F("tried_at").asc(nulls_first=True), "requested_at")
    for tenant_id in due.order_by(*order).values_list("pk", flat=True)[:MOST_PER_SWEEP]:
        due.filter(pk=tenant_id).update(tried_at=clock.now())
        try:
            finished += purge(tenant_id)
        except (
            Exception
        ):  # one tenant's trouble must not hold up the others; the next sweep tries again
            log.exception("purge.failed", tenant_id=str(tenant_id))
    return finished


def seal(certificate: DeletionCertificate) -> str:
    """The SHA-256, in hex, over what the certificate says: its fields as JSON with sorted names."""
    said = {
        "tenantId": str(certificate.tenant_id),
        "workspaceId": str(certificate.workspace_id),
        "requestedAt": clock.iso(certificate.requested_at),
        "finishedAt": clock.iso(certificate.finished_at) if certificate.finished_at else None,
        "counts": certificate.counts,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _add(tenant_id: UUID, holding: str, rows: int) -> None:
    with transaction.atomic():
        certificate = DeletionCertificate.objects.select_for_update().get(pk=tenant_id)
        certificate.counts[holding] = certificate.counts.get(holding, 0) + rows
        certificate.save(update_fields=["counts"])


def _finish(tenant_id: UUID) -> None:
    """Give the place back and seal the certificate, both or neither."""
    with transaction.atomic():
        certificate = DeletionCertificate.objects.select_for_update().get(pk=tenant_id)
        if certificate.finished_at is not None:
            return
        isolation.release(tenant_id)
        certificate.finished_at = clock.now()
        certificate.sha256 = seal(certificate)
        certificate.save(update_fields=["finished_at", "sha256"])
        audit.record(
            "tenant.purged",
            workspace_id=certificate.workspace_id,
            tenant_id=tenant_id,
            target=str(tenant_id),
            sha256=certificate.sha256,
            counts=certificate.counts,
        )
