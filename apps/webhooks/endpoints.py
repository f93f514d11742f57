"""Endpoints: who hears of which events, and the secrets that sign what they get (E9, T33).

Verbs check the workspace, and the tenant where the caller is one: what belongs to others is not
found.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet

from apps.tenants import public as tenants
from apps.webhooks import statements
from apps.webhooks.errors import EndpointNotFound, TooManyEndpoints
from apps.webhooks.models import Endpoint
from tenlyr.core import audit, clock, errors, secrets, tasks
from tenlyr.core.egress import guard, signing
from tenlyr.core.events import FOR_OPERATORS, EventType

log = structlog.get_logger(__name__)

MOST_OF_WORKSPACE, MOST_OF_TENANT = 50, 10
# How long the secret before a rotation signs too (X33).
PREVIOUS_FOR = timedelta(hours=24)
PLACE = "webhooks_endpoint.secret"
ALL = "*"
# The types of events about endpoints begin so; `about` makes their data.
ABOUT_WEBHOOKS = "webhook."
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('endpoints ' || %(whose)s, 0))"


def create(
    *,
    workspace_id: UUID,
    url: str,
    tenant_id: UUID | None = None,
    events: Sequence[str] = (ALL,),
    description: str = "",
    is_ordered: bool = False,
    is_vetted: bool = False,
) -> tuple[Endpoint, str]:
    """Add an endpoint, of one tenant's events where `tenant_id` is given; answers it with its
    secret, which is not shown again. Who calls it inside a transaction vets the URL before that.

    Raises `UrlNotAllowed`, `InvalidRequest`, `TenantNotFound`, `TooManyEndpoints`.
    """
    if tenant_id is not None:
        tenants.get(workspace_id, tenant_id)
    if not is_vetted:
        vet(url, workspace_id=workspace_id, tenant_id=tenant_id)
    names = _names(events, tenant_id)
    secret = signing.new_secret()
    with transaction.atomic():
        if tenant_id is not None:
            # One that is deleted meanwhile has no endpoint made after its purge.
            tenants.locked(workspace_id, tenant_id)
        _check_room(workspace_id, tenant_id)
        endpoint = Endpoint.objects.create(
            workspace_id=workspace_id,
            tenant_id=tenant_id,
            url=url,
            events=names,
            description=description,
            is_ordered=is_ordered,
            secret=_sealed(secret),
        )
        _record(endpoint, "created", url=shown(url), events=endpoint.events)
    return endpoint, secret


def of(workspace_id: UUID, tenant_id: UUID | None = None) -> "QuerySet[Endpoint]":
    """The workspace's endpoints, or those of one tenant of it, in the order of their making."""
    rows = Endpoint.objects.filter(workspace_id=workspace_id).order_by("id")
    return rows if tenant_id is None else rows.filter(tenant_id=tenant_id)


def get(workspace_id: UUID, endpoint_id: UUID, tenant_id: UUID | None = None) -> Endpoint:
    """One endpoint; with `tenant_id` only if it is that tenant's. Raises `EndpointNotFound`."""
    found = of(workspace_id, tenant_id).filter(id=endpoint_id).first()
    if found is None:
        raise EndpointNotFound()
    return found


def change(
    *,
    workspace_id: UUID,
    endpoint_id: UUID,
    tenant_id: UUID | None = None,
    url: str | None = None,
    events: Sequence[str] | None = None,
    description: str | None = None,
    is_ordered: bool | None = None,
    status: str | None = None,
) -> Endpoint:
    """Change what is given. Enabling forgets the failures so far; what waited is sent now.

    A new URL is looked up first: not to be called inside a transaction then. Raises
    `EndpointNotFound`, `UrlNotAllowed`, `InvalidRequest`.
    """
    if url is not None:
        get(workspace_id, endpoint_id, tenant_id)
        vet(url, workspace_id=workspace_id, tenant_id=tenant_id)
    given: dict[str, Any] = {
        "url": url,
        "description": description,
        "is_ordered": is_ordered,
        "status": None if status is None else _status(status),
    }
    with transaction.atomic():
        endpoint = _locked(workspace_id, endpoint_id, tenant_id)
        given["events"] = None if events is None else _names(events, endpoint.tenant_id)
        changed = {
            name: value
            for name, value in given.items()
            if value is not None and value != getattr(endpoint, name)
        }
        if changed:
            _save(endpoint, **changed, **_of_status(changed.get("status")))
            _record(endpoint, "changed", **_without_query(changed))
            tasks.after_commit("webhooks.pump")
    return endpoint


def delete(*, workspace_id: UUID, endpoint_id: UUID, tenant_id: UUID | None = None) -> None:
    """Remove it: nothing is sent there any more, the log of deliveries stays. Raises
    `EndpointNotFound`.
    """
    with transaction.atomic():
        endpoint = _locked(workspace_id, endpoint_id, tenant_id)
        _record(endpoint, "deleted", url=shown(endpoint.url))
        Endpoint.objects.filter(id=endpoint.id).delete()


def rotate_secret(
    *, workspace_id: UUID, endpoint_id: UUID, tenant_id: UUID | None = None
) -> tuple[Endpoint, str]:
    """A new secret, shown this once; the one before signs beside it for 24 h (X33).

    Raises `EndpointNotFound`.
    """
    secret = signing.new_secret()
    with transaction.atomic():
        endpoint = _locked(workspace_id, endpoint_id, tenant_id)
        _save(
            endpoint,
            previous_secret=bytes(endpoint.secret),
            previous_until=clock.now() + PREVIOUS_FOR,
            secret=_sealed(secret),
        )
        _record(endpoint, "secret_rotated")
    return endpoint, secret


def disable(endpoint: Endpoint, reason: str) -> bool:
    """Disable a locked endpoint, for it failed or is gone; answers whether it was not yet."""
    if endpoint.status == Endpoint.Status.DISABLED:
        return False
    _save(endpoint, status=Endpoint.Status.DISABLED, disabled_reason=reason)
    _record(endpoint, "disabled", reason=reason)
    return True


def secrets_of(endpoint: Endpoint, now: datetime) -> list[str]:
    """The secrets that sign now: the newest, and for a day the one before it."""
    sealed = [endpoint.secret]
    until = endpoint.previous_until
    if endpoint.previous_secret is not None and until is not None and until > now:
        sealed.append(endpoint.previous_secret)
    return [_opened(bytes(one)) for one in sealed]


def about(endpoint: Endpoint) -> dict[str, Any]:
    """What events about an endpoint say of it, in the wire's casing."""
    of_tenant = {"tenantId": str(endpoint.tenant_id)} if endpoint.tenant_id else {}
    return {**of_tenant, "endpointId": str(endpoint.id), "url": shown(endpoint.url)}


def shown(url: str) -> str:
    """The URL as events, trail and log have it: the query may hold a secret of its owner's."""
    return url.partition("?")[0][:200]


def vet(url: str, *, workspace_id: UUID, tenant_id: UUID | None = None) -> None:
    """Check a URL that a caller gives; a refusal is recorded. It may ask a name server for 2 s: not
    inside a transaction. Raises `UrlNotAllowed` (T33).
    """
    try:
        guard.vet(url)
    except errors.UrlNotAllowed as error:
        log.warning("webhook.url_rejected", url=shown(url), reason=error.public)
        with transaction.atomic():
            audit.record(
                "webhook.url_rejected",
                workspace_id=workspace_id,
                tenant_id=tenant_id,
                target=shown(url),
                result="refused",
                reason=error.public,
            )
        named = {"field": "url", "code": error.code, "message": error.public}
        raise errors.UrlNotAllowed(error.public, internal=error.internal, errors=[named]) from error


def _check_room(workspace_id: UUID, tenant_id: UUID | None) -> None:
    """Tenants' endpoints do not count against the workspace's own."""
    most = MOST_OF_WORKSPACE if tenant_id is None else MOST_OF_TENANT
    statements.rows(LOCK, {"whose": str(tenant_id or workspace_id)})
    if Endpoint.objects.filter(workspace_id=workspace_id, tenant_id=tenant_id).count() >= most:
        raise TooManyEndpoints(limit=most)


def _names(given: Sequence[str], tenant_id: UUID | None) -> list[str]:
    """The types that an endpoint asks for, of a tenant's only those that it may hear of."""
    names = sorted(set(given))
    if tenant_id is not None and (kept := FOR_OPERATORS.intersection(names)):
        raise errors.invalid("events", "invalid", f"told to operators only: {min(kept)}")
    known = {kind.value for kind in EventType}
    if names == [ALL] or (names and set(names) <= known):
        return names
    wrong = [name for name in names if name not in known]
    text = f"unknown: {wrong[0]}" if wrong else 'name at least one event, or "*"'
    if wrong == [ALL]:
        text = '"*" stands alone'
    raise errors.invalid("events", "invalid", text)


def _status(given: str) -> str:
    if given not in Endpoint.Status.values:
        raise errors.invalid("status", "invalid", f"one of {', '.join(Endpoint.Status.values)}")
    return given


def _of_status(status: Any) -> dict[str, Any]:
    """What goes with a status that a caller gives."""
    if status is None:
        return {}
    reason = "by its operator" if status == Endpoint.Status.DISABLED else ""
    fresh = {"failing_since": None, "warned": 0} if status == Endpoint.Status.ENABLED else {}
    return {"disabled_reason": reason, **fresh}


def _without_query(changed: dict[str, Any]) -> dict[str, Any]:
    return {**changed, "url": shown(changed["url"])} if "url" in changed else changed


# Opening one costs as much as all the rest of a signature.
@lru_cache(maxsize=1_024)
def _opened(sealed: bytes) -> str:
    return secrets.unseal(sealed, place=PLACE).decode()


def _sealed(secret: str) -> bytes:
    return secrets.seal(secret.encode(), place=PLACE)


def _locked(workspace_id: UUID, endpoint_id: UUID, tenant_id: UUID | None) -> Endpoint:
    found = of(workspace_id, tenant_id).select_for_update().filter(id=endpoint_id).first()
    if found is None:
        raise EndpointNotFound()
    return found


def _save(endpoint: Endpoint, **changed: Any) -> None:
    for name, value in {**changed, "updated_at": clock.now()}.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=[*changed, "updated_at"])


def _record(endpoint: Endpoint, act: str, **details: Any) -> None:
    audit.record(
        f"webhook.endpoint_{act}",
        workspace_id=endpoint.workspace_id,
        tenant_id=endpoint.tenant_id,
        target=str(endpoint.id),
        **details,
    )
