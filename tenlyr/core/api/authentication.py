"""Authentication of the API: Bearer or X-API-Key, and X-Tenant-ID beside it (A3, X18, X19)."""

import time
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from rest_framework.authentication import BaseAuthentication

from tenlyr.core import audit, auth, context, errors, events, ratelimits
from tenlyr.core.api.serializers import CANONICAL_ID
from tenlyr.core.events import EventType
from tenlyr.core.principal import Principal

log = structlog.get_logger(__name__)

LONGEST_HEADER = 256
MOST_REMEMBERED = 10_000

_denied: dict[UUID, int] = {}


def raw_key(authorization: str, api_key: str) -> str:
    """The raw key in the two headers that may carry it; raises `AuthenticationFailed`."""
    if authorization:
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() == "bearer" and len(credential) <= LONGEST_HEADER:
            return credential.strip()
    elif api_key and len(api_key) <= LONGEST_HEADER:
        return api_key
    raise errors.AuthenticationFailed()


def covered(principal: Principal, tenant_header: str) -> Principal:
    """The caller after X-Tenant-ID: an admin acts as the tenant, a tenant may only name itself."""
    if not tenant_header:
        return principal
    try:
        tenant_id = UUID(tenant_header)
        if principal.tenant_id == tenant_id:
            return principal
        if not principal.is_admin:
            raise errors.CrossTenantViolation()
        acting = auth.act_as(principal, tenant_id)
    except (ValueError, errors.CrossTenantViolation) as error:
        # Once a minute and key: the trail is a chain, and no caller shall flood it.
        if _is_first_this_minute(principal.key_id):
            _deny(principal, tenant_header[:64])
        log.warning("authz.denied", key_id=str(principal.key_id), target=tenant_header[:64])
        raise errors.CrossTenantViolation() from error
    _record(acting, "tenant.acted_as", tenant_header, "ok")
    return acting


def _deny(principal: Principal, named: str) -> None:
    """Record the call, and tell of it where another tenant was named rather than none (J24)."""
    with transaction.atomic():
        if CANONICAL_ID.fullmatch(named):
            tenant = str(principal.tenant_id) if principal.tenant_id else None
            events.emit(
                EventType.CROSS_TENANT_VIOLATION,
                workspace_id=principal.workspace_id,
                tenant_id=principal.tenant_id,
                data={"tenantId": tenant, "named": named, "keyId": str(principal.key_id)},
            )
        _record(principal, "authz.denied", named, "denied")


def _is_first_this_minute(key_id: UUID) -> bool:
    minute = int(time.monotonic() // 60)
    if len(_denied) >= MOST_REMEMBERED:
        _denied.clear()
    if _denied.get(key_id) == minute:
        return False
    _denied[key_id] = minute
    return True


def identify(principal: Principal) -> None:
    """Name the caller in the logs and the audit trail of this request."""
    here = context.current()
    here.actor_type, here.actor_id = f"{principal.kind}_key", str(principal.key_id)


def _record(principal: Principal, action: str, target: str, result: str) -> None:
    with transaction.atomic():
        audit.record(
            action,
            workspace_id=principal.workspace_id,
            tenant_id=principal.tenant_id,
            target=target,
            result=result,
        )


class KeyAuthentication(BaseAuthentication):
    """REST framework's view of it: `request.user` is the Principal. The call is counted, unless its
    view says otherwise.
    """

    def authenticate(self, request: Any) -> tuple[Principal, None]:
        headers = request.META
        raw = raw_key(headers.get("HTTP_AUTHORIZATION", ""), headers.get("HTTP_X_API_KEY", ""))
        principal = auth.resolve(raw, context.current().address)
        identify(principal)
        if getattr(request.parser_context["view"], "is_counted", True):
            ratelimits.charge(principal.key_id)
        return covered(principal, headers.get("HTTP_X_TENANT_ID", "")), None

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"
