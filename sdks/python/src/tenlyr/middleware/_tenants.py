"""The tenant of a request, and the errors that say why there is none or it may not go on."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Dict, Mapping, Optional

from tenlyr._answers import NOTHING, to_wire
from tenlyr._types import Tenant


@dataclass(frozen=True)
class CurrentTenant:
    """Whose request this is.

    `slug` is what the request named it by, `key` the tenant's API key where you have it: tracking
    and quotas act with it. `metadata` is yours.
    """

    id: str
    slug: str
    status: str = "active"
    plan: Optional[str] = None
    key: Optional[str] = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @classmethod
    def of(cls, tenant: Tenant, *, slug: str = "", key: Optional[str] = None) -> "CurrentTenant":
        """One from an answer of the API."""
        return cls(tenant.id, slug or tenant.id, tenant.status, tenant.plan, key)


class TenantError(Exception):
    """A request that may not go on; the base of all. `status` and `body` are the answer."""

    status = 403
    code = "forbidden"
    message = "This is not allowed."
    error: Optional[str] = None

    def __init__(self, message: str = "", **more: Any) -> None:
        super().__init__(message or self.message)
        self.more = more

    @property
    def body(self) -> Dict[str, Any]:
        """What the client is answered, in the shape of all of Tenlyr's errors."""
        phrase = self.error or HTTPStatus(self.status).phrase
        said = {"message": str(self), "error": phrase, "statusCode": self.status, "code": self.code}
        return {**said, **{name: to_wire(value) for name, value in self.more.items()}}


class TenantNotFoundError(TenantError):
    """404: the request names no tenant, or one that is not there."""

    status, code, message = 404, "tenant_not_found", "Tenant not found."


class TenantSuspendedError(TenantError):
    """403: the tenant is suspended."""

    code, message = "tenant_suspended", "The tenant is suspended."


class TenantInactiveError(TenantError):
    """403: the tenant is not ready yet, or terminated."""

    code, message = "tenant_inactive", "The tenant is not active."


class PlanRequiredError(TenantError):
    """403: the tenant's plan does not have this."""

    code, message = "plan_required", "The tenant's plan does not include this."


class QuotaExceededError(TenantError):
    """429: a `quota` of the tenant is used up: `current` of `limit`."""

    status, code, message = 429, "quota_exceeded", "Plan limit reached"
    error = message

    def __init__(self, quota: str, limit: float, current: float) -> None:
        super().__init__(quota=quota, limit=limit, current=current)
        self.quota = quota
        self.limit = limit
        self.current = current


_current: ContextVar[Optional[CurrentTenant]] = ContextVar("tenlyr_tenant", default=None)


def current_tenant() -> CurrentTenant:
    """The tenant of the request at hand; TenantNotFoundError outside of one."""
    tenant = _current.get()
    if tenant is None:
        raise TenantNotFoundError
    return tenant
