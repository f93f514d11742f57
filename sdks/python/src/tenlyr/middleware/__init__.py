"""Multi-tenancy for web frameworks: who is asking, may they, and count it.

Adapters: `tenlyr.middleware.asgi` (FastAPI, Starlette), `.django`, `.flask`, `.wsgi`.
"""

from tenlyr.middleware._tenants import (
    CurrentTenant,
    PlanRequiredError,
    QuotaExceededError,
    TenantError,
    TenantInactiveError,
    TenantNotFoundError,
    TenantSuspendedError,
    current_tenant,
)
from tenlyr.middleware.checks import (
    Used,
    check_quotas,
    enforce_quota,
    require_active,
    require_plan,
    requires,
    usage_by,
)
from tenlyr.middleware.resolving import (
    RequestView,
    custom,
    custom_domain,
    header,
    jwt,
    path,
    query,
    subdomain,
)
from tenlyr.middleware.tenancy import Tenancy

__all__ = [
    "Tenancy",
    "CurrentTenant",
    "current_tenant",
    "RequestView",
    "subdomain",
    "custom_domain",
    "path",
    "header",
    "query",
    "jwt",
    "custom",
    "require_active",
    "require_plan",
    "enforce_quota",
    "check_quotas",
    "usage_by",
    "requires",
    "Used",
    "TenantError",
    "TenantNotFoundError",
    "TenantSuspendedError",
    "TenantInactiveError",
    "PlanRequiredError",
    "QuotaExceededError",
]
