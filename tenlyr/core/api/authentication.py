"""Authentication of the API: Bearer or X-API-Key, and X-Tenant-ID beside it (A3, X18, X19)."""

from typing import Any
from uuid import UUID

from rest_framework.authentication import BaseAuthentication

from tenlyr.core import auth, context, errors
from tenlyr.core.principal import Principal

LONGEST_HEADER = 256


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
    except ValueError as error:
        raise errors.CrossTenantViolation() from error
    if principal.tenant_id == tenant_id:
        return principal
    if not principal.is_admin:
        raise errors.CrossTenantViolation()
    return auth.act_as(principal, tenant_id)


class KeyAuthentication(BaseAuthentication):
    """REST framework's view of it: `request.user` is the Principal."""

    def authenticate(self, request: Any) -> tuple[Principal, None]:
        headers = request.META
        raw = raw_key(headers.get("HTTP_AUTHORIZATION", ""), headers.get("HTTP_X_API_KEY", ""))
        principal = auth.resolve(raw, context.current().address)
        principal = covered(principal, headers.get("HTTP_X_TENANT_ID", ""))
        here = context.current()
        here.actor_type, here.actor_id = f"{principal.kind}_key", str(principal.key_id)
        return principal, None

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"
